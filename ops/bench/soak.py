"""Memory of the processes over 20,000 turns (`PART=soak`): web, worker and control, with archiving going on.

Users talk over HTTP as fast as they are answered; the mirror, the schedule and the archiver run as in the Procfile. The
curve is resident memory, of each process with its children, after each thousandth turn.
"""

import argparse
import asyncio
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from ops.bench.goals import Goal, show
from ops.bench.mirror_rig import Rig, Worker, mirror_rig
from ops.bench.web_load import Conversation
from ops.bench.web_rig import start_web
from ops.waiting import wait_until

USERS, THREADS_EACH, PAUSE = 16, 6, (0.0, 0.02)
EVERY = 1_000
WARM_UP = 0.5  # of the turns: pools and caches fill
BAR_MB = 4
MEGABYTE = 1_000_000
OK = 200


@dataclass(frozen=True)
class Sample:
    """How much each process held after so many turns."""

    turns: int
    megabytes: Mapping[str, float]


def main(argv: list[str]) -> int:
    """Print the curve; 1 where memory grows after the warm-up."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench soak", description=__doc__)
    parser.add_argument("--turns", type=int, default=20_000, help="how many (default: 20000)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(argv)
    with mirror_rig() as rig:
        rig.environment["ARCHIVE_INTERVAL_SECONDS"] = "5"
        speakers = importlib.import_module("ops.bench.speakers").prepare("soak", USERS, THREADS_EACH)
        rig.start_workers()
        rig.start_schedule()
        web = start_web(rig, "web")
        talk = Conversation(web.url, speakers, PAUSE)
        started = time.monotonic()
        samples = uvloop.run(_soaked(rig, talk, options))
        rate = len(talk.answers) / (time.monotonic() - started)
        rows = importlib.import_module("ops.bench.archive_rows")
        wait_until(lambda: not rows.waits(), "the mirror to have caught up", seconds=300)
        archived = rows.sizes()
    failed = sum(answer.status != OK for answer in talk.answers)
    statuses = Counter(answer.status for answer in talk.answers)  # 0: no answer within the client's 5 s
    print(json.dumps({"turns": len(talk.answers), "statuses": statuses, "turns_a_second": round(rate, 1)} | archived))
    goals = [*_goals(samples), Goal("turns refused", failed, 0, "turns")]
    show(goals, as_json=options.json)
    return int(not all(goal.is_met for goal in goals))


async def _soaked(rig: Rig, talk: Conversation, options: argparse.Namespace) -> list[Sample]:
    samples = [_sample(rig, 0)]
    talking = asyncio.create_task(talk.run())
    while len(talk.answers) < options.turns and not talking.done():
        await asyncio.sleep(0.2)
        if len(talk.answers) >= samples[-1].turns + EVERY:
            samples.append(_sample(rig, len(talk.answers)))
            _print(samples[-1], options)
    talk.ends_at = 0.0
    await talking
    return samples


def _sample(rig: Rig, turns: int) -> Sample:
    return Sample(turns, {_name(worker): round(_resident(worker.process.pid), 1) for worker in rig.workers})


def _name(worker: Worker) -> str:
    return worker.name.partition("-")[0]


def _resident(pid: int) -> float:
    """Megabytes that a process and those it started hold."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (OSError, IndexError):
        return 0.0
    return pages * 4096 / MEGABYTE + sum(_resident(int(child)) for child in children)


def _print(sample: Sample, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps({"turns": sample.turns} | dict(sample.megabytes)), flush=True)
        return
    bars = "  ".join(
        f"{name} {megabytes:6.1f} MB {'#' * int(megabytes / BAR_MB):<50}"
        for name, megabytes in sample.megabytes.items()
        if name in ("web", "worker")
    )
    print(f"{sample.turns:>6} turns  {bars}", flush=True)


def _goals(samples: Sequence[Sample]) -> list[Goal]:
    """Growth from the middle to the end, of the median of three samples each: single ones go up and down."""
    settled = [sample for sample in samples if sample.turns >= samples[-1].turns * WARM_UP]
    goals = []
    for name in ("web", "worker", "control"):
        held = [sample.megabytes[name] for sample in settled]
        growth = sorted(held[-3:])[len(held[-3:]) // 2] - sorted(held[:3])[len(held[:3]) // 2]
        goals.append(Goal(f"{name} grows in the second half by", round(growth, 1), 10.0, "MB"))
    return goals


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
