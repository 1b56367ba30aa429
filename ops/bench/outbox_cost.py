"""What the outbox adds to a turn's transaction on PostgreSQL (`PART=outbox_cost`).

The transaction that stores a message, as the product does it, beside the same one on tables without the outbox: no
mirror columns, no lease, no partial indexes. The two take turns, so that whatever else the machine does befalls both.
"""

import argparse
import importlib
import json
import sys

from ops.bench.mirror_rig import database_rig

GOAL_MS = 0.3


def main(argv: list[str]) -> int:
    """Print both medians and their difference; 1 where the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench outbox_cost", description=__doc__)
    parser.add_argument("--pairs", type=int, default=2_000, help="transactions of each kind (default: 2000)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(argv)
    with database_rig():
        measured = importlib.import_module("ops.bench.outbox_pairs").measure(options.pairs)  # the product
    added = measured["added_p50_ms"]
    if options.json:
        print(json.dumps(measured | {"goal_ms": GOAL_MS}))
    else:
        print(" ".join(f"{name} {value:.3f}" for name, value in measured.items()))
        print(f"outbox adds {added:.3f} ms p50 (goal {'met' if added <= GOAL_MS else 'missed'}: {GOAL_MS} ms)")
    return int(added > GOAL_MS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
