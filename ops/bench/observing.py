"""What being observed costs (`PART=observing`): a turn's metrics and log lines, a scrape, each process's series.

The events are those of a real turn and of its mirror; they are observed again and again as a web worker does it:
metrics in shared files, each line rendered once, written to a file that rotates and to a pipe that somebody reads. The
CPU time counts, so that a busy machine changes little.
"""

import argparse
import importlib
import os
import sys
import tempfile

from ops.bench.goals import Goal, show
from ops.bench.rig import rig

TURN_MS, SERIES = 0.3, 500.0


def main(argv: list[str]) -> int:
    """Print the figures and the goals; 1 where one is missed."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench observing", description=__doc__)
    parser.add_argument("--turns", type=int, default=2_000, help="how often the turn is observed (default: 2000)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="easy-islanders-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # metrics choose their storage when they are imported
        with rig() as (redis, standin):
            turn = importlib.import_module("ops.bench.observing_turn")  # the product: its settings are there by now
            costs = turn.measure(redis, standin, options.turns)
            roles = importlib.import_module("ops.bench.observing_roles").measure(redis)
    for figures in (*costs, *roles):
        print(figures.as_json() if options.json else figures.as_line(), flush=True)
    goals = [Goal("metrics and logs of a turn", costs[0].figures["both_ms"], TURN_MS)]
    goals += [Goal(f"series of {each.name}", each.figures["series"], SERIES, unit="series") for each in roles]
    show(goals, as_json=options.json)
    return int(not all(goal.is_met for goal in goals))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
