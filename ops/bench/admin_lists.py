"""How long the admin's lists take at a million messages, on SQLite and on PostgreSQL (`PART=admin_lists`).

Fills a database of its own and asks for every list, filter and search, and for the last page, as a member of staff's
browser does, through the whole of Django in this process. One line for each page; it ends with 1 where one of them
takes longer than `--goal-ms` in the middle of its runs.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack

from ops.bench.goals import Goal, show
from ops.bench.rig import rig
from ops.postgres_process import PostgresProcess

# What is measured is reading: the filling need not survive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "8GB"}
OPTIONS = FAST | {"maintenance_work_mem": "256MB", "autovacuum": "off", "jit": "off"}
DATABASES = ("sqlite", "postgresql")


def main(argv: list[str]) -> int:
    """Print a line for each page; 1 where one is slower than the goal."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench admin_lists", description=__doc__)
    parser.add_argument("--on", choices=DATABASES, help="only on this database (default: both)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="messages (default: 1000000)")
    parser.add_argument("--runs", type=int, default=5, help="of each page (default: 5)")
    parser.add_argument("--goal-ms", type=float, default=500, help="for the median of a page (default: 500)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    options = parser.parse_args(argv)
    if options.on:
        return _on(options)
    command = [sys.executable, "-m", "ops.bench", "admin_lists", *argv]  # the product reads its settings once
    return max([subprocess.run([*command, "--on", name], check=False).returncode for name in DATABASES])


def _on(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        os.environ.pop("DATABASE_URL", None)
        if options.on == "postgresql":
            os.environ["DATABASE_URL"] = stack.enter_context(PostgresProcess(OPTIONS)).create("easy_islanders")
        stack.enter_context(rig())
        rows = importlib.import_module("ops.bench.admin_lists_rows")  # the product: its settings are there by now
        pages = importlib.import_module("ops.bench.admin_lists_pages")
        began = time.monotonic()
        rows.fill(options.rows)
        seconds = time.monotonic() - began
        print(f"# {options.on}: {options.rows:,} messages in {seconds:.0f} s", file=sys.stderr, flush=True)
        timings = pages.timed(options.runs)
    for timing in timings:
        line = {"database": options.on, **timing.as_json()}
        print(json.dumps(line) if options.json else timing.as_line(options.on), flush=True)
    slowest = max(timings, key=lambda timing: timing.median_ms)
    goal = Goal(f"{options.on}: the slowest page ({slowest.name})", slowest.median_ms, options.goal_ms)
    show([goal], as_json=options.json)
    return int(not goal.is_met)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
