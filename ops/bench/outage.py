"""A hard outage of Zep's reads under load: when the cluster stops reading, and when it comes back (`PART=outage`).

Two web processes, a worker, the control worker and beat, all of the Procfile's, and 50 users over HTTP. Which process
read Zep, and when, is asked of the stand-in's log. Holds are shortened by a scale, and so are the outages: a minute is
a second with the default of 60; the control worker's tick is a second, which at that scale is a minute and not ten
seconds, so recovery is up to that much later than in real life.
"""

import argparse
import importlib
import os
import sys

from ops.bench.goals import show
from ops.bench.mirror_rig import mirror_rig
from ops.bench.outage_rows import Outage, goals

HOLD_SECONDS, LONGEST_HOLD_SECONDS, TICK_SECONDS = 300, 3_600, 1
WEB_PROCESSES = 2
THREADS_EACH = 40


def main(argv: list[str]) -> int:
    """Print a row for each outage, the log of one cycle, and the goals; 1 where a turn was not answered."""
    options = _parser().parse_args(argv)
    shortened = {
        "CHAT_RATE_PER_MINUTE": "1000000",
        "MEMORY_DOWNGRADE_HOLD_SECONDS": str(round(HOLD_SECONDS / options.scale)),
        "MEMORY_DOWNGRADE_MAX_HOLD_SECONDS": str(round(LONGEST_HOLD_SECONDS / options.scale)),
        "MEMORY_PROBE_INTERVAL_SECONDS": str(TICK_SECONDS),
    }
    os.environ.update(shortened)
    with mirror_rig() as rig:
        speakers = importlib.import_module("ops.bench.speakers").prepare("outage", options.users, THREADS_EACH)
        cycles = importlib.import_module("ops.bench.outage_cycles")
        outages = [
            Outage("hang, 1 minute", "hang", 60 / options.scale),
            Outage("hang, 20 minutes", "hang", 1_200 / options.scale),
            Outage("401, 4 minutes", "status", 240 / options.scale, {"status": 401}),
            Outage("hang, 4 minutes, warm caches", "hang", 240 / options.scale, is_warm=True),
        ]
        rows, log = cycles.measure(rig, speakers, outages, options.pause, WEB_PROCESSES, options.scale)
        for row in rows:
            print(row.as_json() if options.json else row.as_text(), flush=True)
        if not options.json:
            print("log of the first cycle:", *log, sep="\n  ", flush=True)
        show(goals(rows), as_json=options.json)
    return int(any(row.errors for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.bench outage", description=__doc__)
    parser.add_argument("--users", type=int, default=50, help="concurrent users (default: 50)")
    parser.add_argument("--pause", type=float, default=2.0, help="between a user's turns, s (default: 2)")
    parser.add_argument(
        "--scale", type=float, default=60.0, help="how much shorter holds and outages are (default: 60)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
