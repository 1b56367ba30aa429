"""How PostgreSQL finds the mirror's rows among ten million messages (`PART=plans`).

Fills a PostgreSQL of its own, nearly all messages mirrored, calls the product's own functions, and explains each
statement that they send. A sequential scan of the messages or the threads, or of a whole index, makes it end with 1.
"""

import argparse
import importlib
import json
import sys
import time

from ops.bench.mirror_rig import database_rig


def main(argv: list[str]) -> int:
    """Print the plan of each statement; 1 where one of them reads a whole table."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench plans", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="messages (default: 10000000)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    options = parser.parse_args(argv)
    # What is measured is reading: the filling need not survive a power cut.
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "8GB"}
    with database_rig(fast | {"maintenance_work_mem": "512MB", "autovacuum": "off", "jit": "off"}):
        plans = importlib.import_module("ops.bench.plans_of")  # the product: its settings are there by now
        started = time.monotonic()
        plans.fill(options.rows)
        print(f"# {options.rows:,} messages in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        found = plans.explained()
    for plan in found:
        print(json.dumps(plan.as_json()) if options.json else plan.as_text(), flush=True)
    scans = [plan for plan in found if plan.reads_whole_table]
    print(f"# {len(found)} statements, {len(scans)} that read a whole table or index", file=sys.stderr)
    return int(bool(scans))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
