"""Archiving many long threads on PostgreSQL, with and without users who talk meanwhile (`PART=archive`).

The archiver is a process of its own, as a worker runs it: `manage.py archive run`. Its memory is the peak of its whole
life, by the kernel. Turns are measured over HTTP against a web process: alone before and after, and while it archives;
before and after count as one, because conversations grow slower as they grow longer, whoever archives.
"""

import argparse
import asyncio
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from ops.bench.goals import Goal, show
from ops.bench.mirror_rig import Rig, mirror_rig
from ops.bench.rig import percentile
from ops.bench.web_load import Answered, Conversation, Speaker
from ops.bench.web_rig import Web, start_web
from ops.zep_standin.process import ROOT

USERS, PAUSE = 8, (0.3, 0.9)
OK = 200
MEGABYTE = 1_000_000
QUIET = {"ARCHIVE_INTERVAL_SECONDS": "3600"}


@dataclass(frozen=True)
class Run:
    """What one `manage.py archive` came to. `peak_mb`: of its memory. `cpu`: seconds of a processor."""

    seconds: float
    cpu: float
    peak_mb: float
    said: dict[str, object]


def main(argv: list[str]) -> int:
    """Print the figures; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench archive", description=__doc__)
    parser.add_argument("--threads", type=int, default=1_000, help="how many threads (default: 1000)")
    parser.add_argument("--messages", type=int, default=1_000, help="in each (default: 1000)")
    parser.add_argument(
        "--alone", type=float, default=30.0, help="seconds of turns before archiving, and after (default: 30)"
    )
    parser.add_argument("--restore", type=int, default=100, help="archives to restore (default: 100)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(argv)
    with mirror_rig() as rig:
        product = importlib.import_module("ops.bench.archive_rows")  # its settings are there by now
        speakers = importlib.import_module("ops.bench.speakers").prepare("talker", USERS, 3)
        product.fill(options.threads, options.messages)
        empty = _run(rig, "list")
        rig.start_workers()
        web = start_web(rig, "web")
        before = _talked(web, speakers, options.alone)
        meanwhile, archived = uvloop.run(_archived_while_talking(rig, web, speakers))
        after = _talked(web, speakers, options.alone)
        rows = _rows(options, empty, archived) | product.sizes()
        rows |= _turns("before", before) | _turns("while_archiving", meanwhile) | _turns("after", after)
        rows |= _turns("alone", [*before, *after])
        rows |= _restored(product.some_archives(options.restore))
    print(json.dumps(rows) if options.json else "\n".join(f"{name:32} {value}" for name, value in rows.items()))
    goals = _goals(rows)
    show(goals, as_json=options.json)
    return int(not all(goal.is_met for goal in goals))


def _rows(options: argparse.Namespace, empty: Run, archived: Run) -> dict[str, object]:
    messages = int(str(archived.said["messages"]))
    return {
        "threads": options.threads,
        "messages_each": options.messages,
        "archived_messages": messages,
        "archived_files": archived.said["files"],
        "seconds": round(archived.seconds, 1),
        "messages_a_second": round(messages / archived.seconds),
        "messages_a_cpu_second": round(messages / (archived.cpu - empty.cpu)),
        "peak_rss_mb": round(archived.peak_mb, 1),
        "peak_rss_of_an_idle_command_mb": round(empty.peak_mb, 1),
    }


def _turns(name: str, answers: Sequence[Answered]) -> dict[str, object]:
    times = [answer.seconds * 1000 for answer in answers]
    return {
        f"turns_{name}": len(times),
        f"turns_{name}_failed": sum(answer.status != OK for answer in answers),
        f"turn_p50_ms_{name}": round(percentile(times, 0.5), 1),
        f"turn_p95_ms_{name}": round(percentile(times, 0.95), 1),
        f"turn_p99_ms_{name}": round(percentile(times, 0.99), 1),
    }


def _restored(archives: Sequence[int]) -> dict[str, object]:
    product = importlib.import_module("ops.bench.archive_rows")
    started, cpu = time.perf_counter(), time.process_time()
    messages = product.restore(archives)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {
        "restored_messages": messages,
        "restored_messages_a_second": round(messages / seconds),
        "restored_messages_a_cpu_second": round(messages / cpu),
    }


def _talked(web: Web, speakers: Sequence[Speaker], seconds: float) -> list[Answered]:
    return uvloop.run(Conversation(web.url, speakers, PAUSE).run(seconds))


async def _archived_while_talking(rig: Rig, web: Web, speakers: Sequence[Speaker]) -> tuple[list[Answered], Run]:
    talk = Conversation(web.url, speakers, PAUSE)
    talking = asyncio.create_task(talk.run())
    archived = await asyncio.to_thread(_run, rig, "run")
    talk.ends_at = 0.0
    return await talking, archived


def _run(rig: Rig, action: str) -> Run:
    """One command, with its peak memory as the kernel counted it."""
    command = [sys.executable, "manage.py", "archive", action, "--json"]
    started, cpu = time.perf_counter(), _children_cpu()
    environment = rig.environment | QUIET | {"PROCESS_ROLE": "cli"}
    with tempfile.TemporaryFile() as errors:  # its log: a pipe that nobody reads would fill up and stop it
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors) as process:
            peak = 0.0
            while process.poll() is None:
                peak = max(peak, _peak_mb(process.pid))
                time.sleep(0.05)
            said, _ = process.communicate()
        lines = said.decode().splitlines()
        if action == "run" and process.returncode:
            errors.seek(0)
            raise RuntimeError(f"archive run ended with {process.returncode}:\n{errors.read().decode()[-2_000:]}")
    return Run(time.perf_counter() - started, _children_cpu() - cpu, peak, json.loads(lines[-1]) if lines else {})


def _children_cpu() -> float:
    """CPU seconds of the commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    peak = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peak[0].split()[1]) * 1024 / MEGABYTE if peak else 0.0


def _goals(rows: dict[str, object]) -> list[Goal]:
    def figure(name: str) -> float:
        return float(str(rows[name]))

    slower = figure("turn_p95_ms_while_archiving") - figure("turn_p95_ms_alone")
    return [
        Goal(
            "peak memory beside an idle command",
            figure("peak_rss_mb") - figure("peak_rss_of_an_idle_command_mb"),
            150,
            "MB",
        ),
        Goal("turns refused while archiving", figure("turns_while_archiving_failed"), 0, "turns"),
        Goal("turns' p95 while archiving, slower by", round(slower, 1), 25.0),
        Goal("archived", figure("messages_a_cpu_second"), 2_000, "messages a CPU second", at_least=True),
        Goal("restored", figure("restored_messages_a_cpu_second"), 2_000, "messages a CPU second", at_least=True),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
