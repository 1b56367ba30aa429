"""What reading memory costs a turn: beside other ways, for Zep well, slow and in every fault (`PART=reads`).

Three measurements: what guard and cache add to the raw call, and in how many Redis round trips; follow-up turns with a
real worker that keeps the cache warm; whole turns of 50 users over HTTP. Users talk at two paces: `steady` pauses
between turns, so that figures are the read's and not the queue's for a busy processor; `flat out` does not, and shows
how many turns a second one web process answers. The event loop's lag beside the times says how much of them is its.
"""

import argparse
import importlib
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.bench import goals
from ops.bench.goals import Goal
from ops.bench.mirror_rig import Rig, mirror_rig
from ops.bench.reads_rows import HEADER, OURS, SITUATIONS
from ops.bench.reads_rows import goals as turn_goals
from ops.zep_standin.process import ROOT

MEASUREMENTS = ("overhead", "follow-up", "turns")
SYSTEMS = ("ours", "no trip", "naive", "pybreaker", "no memory")
OVERHEAD_READS = 200
THREADS_EACH = 20  # in one row nobody gets to talk in a thread twice


def main(argv: list[str]) -> int:
    """Print the rows, then the goals; 1 where a turn of ours was not answered."""
    options = _parser().parse_args(argv)
    os.environ["CHAT_RATE_PER_MINUTE"] = "1000000"  # nobody is refused for talking fast
    local_dir = Path(os.environ.get("LOCAL_DIR") or ROOT / ".local").resolve()
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"# {platform.machine()}, {os.cpu_count()} cores, load before: {load}", file=sys.stderr)
    with mirror_rig() as rig:
        bench = _Bench(rig, options, local_dir)
        for name in [name for name in MEASUREMENTS if name in options.only]:
            bench.measures[name]()
    goals.show(bench.goals, as_json=options.json)
    return int(bench.errors > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.bench reads", description=__doc__)
    parser.add_argument("--users", type=int, default=50, help="concurrent users (default: 50)")
    parser.add_argument("--steady-seconds", type=float, default=4.0, help="for each row (default: 4)")
    parser.add_argument("--flat-out-seconds", type=float, default=1.5, help="for each row; 0: none (default: 1.5)")
    parser.add_argument("--pause", type=float, default=2.0, help="of a steady user, in s (default: 2)")
    parser.add_argument("--follow-up-seconds", type=float, default=45.0, help="of follow-up turns (default: 45)")
    parser.add_argument("--apart", type=float, nargs=2, default=(5.0, 20.0), help="follow-up turns, s (default: 5 20)")
    parser.add_argument("--only", nargs="*", choices=MEASUREMENTS, default=MEASUREMENTS, help="some of them")
    parser.add_argument("--systems", nargs="*", default=SYSTEMS, choices=SYSTEMS, help="some of the systems, of turns")
    parser.add_argument("--situations", nargs="*", default=SITUATIONS, choices=SITUATIONS, help="some, of turns")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    return parser


class _Bench:
    """The measurements, and what they came to. They import the product, so they are imported when it is set up."""

    def __init__(self, rig: Rig, options: argparse.Namespace, local_dir: Path) -> None:
        self.rig, self.options, self.local_dir = rig, options, local_dir
        self.goals: list[Goal] = []
        self.errors = 0
        self.measures: dict[str, Callable[[], None]] = {
            "overhead": self._overhead,
            "follow-up": self._follow_up,
            "turns": self._turns,
        }
        self._speakers = importlib.import_module("ops.bench.speakers")

    def _overhead(self) -> None:
        overhead = importlib.import_module("ops.bench.reads_overhead")
        (speaker,) = self._speakers.prepare("overhead", 1, OVERHEAD_READS)
        self.rig.standin.fault("delay", delay_ms=20, route="read")
        rows = overhead.measure(self.rig, list(speaker.threads))
        for row in rows:
            self._print(row)
        self.rig.standin.clear()
        self.goals += overhead.goals(rows)

    def _follow_up(self) -> None:
        follow_up = importlib.import_module("ops.bench.reads_follow_up")
        speakers = self._speakers.prepare("follow-up", self.options.users, 1)
        row = follow_up.measure(self.rig, speakers, self.options.follow_up_seconds, tuple(self.options.apart))
        self._print(row)
        self.errors += row.errors
        self.goals += follow_up.goals(row)

    def _turns(self) -> None:
        turns = importlib.import_module("ops.bench.reads_turns")
        speakers = self._speakers.prepare("turns", self.options.users, THREADS_EACH)
        loads = [turns.Load("steady", self.options.pause, self.options.steady_seconds)]
        if self.options.flat_out_seconds:
            loads.append(turns.Load("flat out", 0.0, self.options.flat_out_seconds))
        webs = turns.start(self.rig, self.local_dir, self.options.systems)
        if not self.options.json:
            print("times in ms; p99.9 of fewer than a thousand turns is the longest of them", HEADER, sep="\n")
        rows = []
        for row in turns.measure(self.rig, webs, speakers, loads, self.options.situations):
            self._print(row)
            rows.append(row)
        self.rig.stop_workers()
        self.errors += sum(row.errors for row in rows if row.system in OURS)
        self.goals += turn_goals(rows)

    def _print(self, row: Any) -> None:
        print(row.as_json() if self.options.json else row.as_line(), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
