"""What a turn costs with the broker down, first and following turns (`PART=broker_down`).

Whole turns against PostgreSQL, with a broker of its own that is well, refuses connections, or is frozen; the Redis of
state and cache stays well, so that the difference is the broker's. After each pause of the publishing breaker one turn
tries the broker again: that is the `first` one.
"""

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

from ops.bench.mirror_rig import mirror_rig
from ops.free_port import free_port
from ops.redis_process import RedisProcess


def main(argv: list[str]) -> int:
    """Print a row for each situation and place of the turn."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench broker_down", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="first turns in each situation (default: 10)")
    parser.add_argument("--following", type=int, default=10, help="turns after each of them (default: 10)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="easy-islanders-broker-") as folder:
        broker = RedisProcess(Path(folder), free_port(), durable=True).start()
        try:
            with mirror_rig(broker_url=broker.url):
                measured = importlib.import_module("ops.bench.broker_turns")  # the product
                for row in measured.measure(broker, options.rounds, options.following):
                    print(json.dumps(row) if options.json else _line(row), flush=True)
        finally:
            broker.stop()
    return 0


def _line(row: dict[str, object]) -> str:
    return (
        f"{row['situation']:10} {row['turns']:10} {row['count']:4} turns  whole turn p50 {row['turn_p50_ms']:6} ms  "
        f"max {row['turn_max_ms']:6} ms  of it the nudge p50 {row['nudge_p50_ms']:6} ms  max {row['nudge_max_ms']:6} ms"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
