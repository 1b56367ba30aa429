"""How fast messages get to Zep, in order and once: a backlog and live turns, beside other ways (`PART=mirror`).

Against PostgreSQL, Redis, a Zep stand-in that takes 20 ms, and the Procfile's worker with its 20 slots. Beside it, in
the same run: a Celery task per message that calls zep-python, and procrastinate with a lock for each thread. Order and
duplicates are counted in what the stand-in holds.
"""

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.bench.mirror_rig import Rig, mirror_rig
from ops.zep_standin.process import ROOT

GOAL_TIMES_NAIVE, GOAL_TIMES_PEER = 10, 2
GOAL_P50_MS, GOAL_P99_MS = 100, 1_000
CPU_BOUND = 0.9
SYSTEMS = ("drain", "live", "live-and-drain", "naive", "procrastinate")


def main(argv: list[str]) -> int:
    """Print a row for each system, then the goals; 1 where a message is missing, doubled or out of order."""
    options = _parser().parse_args(argv)
    local_dir = Path(os.environ.get("LOCAL_DIR") or ROOT / ".local").resolve()
    with mirror_rig(delay_ms=options.delay_ms) as rig:
        rows = _measured(rig, options, local_dir)
    if not options.json:
        _print_goals(rows)
    ours = [row for name, row in rows.items() if name not in ("naive", "procrastinate")]
    return int(not all(row.is_flawless for row in ours))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.bench mirror", description=__doc__)
    parser.add_argument("--threads", type=int, default=100, help="threads (default: 100)")
    parser.add_argument("--messages", type=int, default=20_000, help="the backlog (default: 20000)")
    parser.add_argument("--rival-messages", type=int, default=4_000, help="the others' backlog (default: 4000)")
    parser.add_argument("--live-seconds", type=float, default=20.0, help="of live turns (default: 20)")
    parser.add_argument("--live-rate", type=float, default=50.0, help="messages a second (default: 50)")
    parser.add_argument("--delay-ms", type=int, default=20, help="what the stand-in takes (default: 20)")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the 20 slots (default: 1)")
    parser.add_argument("--only", nargs="*", choices=SYSTEMS, default=SYSTEMS, help="some of the systems")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    return parser


def _measured(rig: Rig, options: argparse.Namespace, local_dir: Path) -> dict[str, Any]:
    runs = importlib.import_module("ops.bench.mirror_runs")  # the product: its settings are there by now
    load = runs.Load(options.threads, options.messages, options.rival_messages, options.live_seconds, options.live_rate)
    measures: dict[str, Callable[[], Any]] = {
        "live": lambda: runs.live(rig, load),
        "drain": lambda: runs.drain(rig, load),
        "live-and-drain": lambda: runs.live_beside_drain(rig, load),
        "naive": lambda: runs.naive(rig, load),
        "procrastinate": lambda: runs.procrastinate(rig, load, local_dir),
    }
    print(f"# {platform.machine()}, {os.cpu_count()} cores; Zep takes {options.delay_ms} ms", file=sys.stderr)
    rig.start_workers(options.workers)
    rig.start_schedule()
    runs.warm_up(rig, load)
    rows: dict[str, Any] = {}
    for system in [name for name in measures if name in options.only]:
        if system == "naive":
            rig.stop_workers()
        rows[system] = measures[system]()
        print(rows[system].as_json() if options.json else rows[system].as_line(), flush=True)
    return rows


def _print_goals(rows: dict[str, Any]) -> None:
    for rival, times in (("naive", GOAL_TIMES_NAIVE), ("procrastinate", GOAL_TIMES_PEER)):
        if rival in rows and "drain" in rows:
            reached = rows["drain"].rate / rows[rival].rate
            bound = rows["drain"].cpu["stand-in"] >= CPU_BOUND
            print(f"drain / {rival}: {reached:.1f}x ({_verdict(reached >= times or bound)}: {times}x)", end="")
            print(f"; by the worker's CPU for a message {rows[rival].worker_ms / rows['drain'].worker_ms:.1f}x")
    if "live" in rows:
        row = rows["live"]
        is_met = row.lag_p50_ms < GOAL_P50_MS and row.lag_p99_ms < GOAL_P99_MS
        print(f"live: p50 {row.lag_p50_ms:.0f} ms, p99 {row.lag_p99_ms:.0f} ms ({_verdict(is_met)}: 100 ms, 1 s)")


def _verdict(is_met: object) -> str:
    return "goal met" if is_met else "goal missed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
