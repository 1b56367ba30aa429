"""`python -m ops.bench [PART] [OPTIONS]`: one measurement, or all of them."""

import argparse
import importlib
import subprocess
import sys

from ops.bench.rig import rig

RIGGED = ("turn", "archive_recall")  # these run against servers of their own, with the product set up
PLAIN = (
    "reads", "outage", "mirror", "outbox_cost", "broker_down", "plans", "pii", "admin_lists", "archive", "soak",
    "observing", "sealing",
)  # fmt: skip
PARTS = (*RIGGED, *PLAIN)


def main(argv: list[str]) -> int:
    """Run the named parts, each with the options that follow; 0 when all went well."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, help="which measurement (default: all)")
    known, options = parser.parse_known_args(argv)
    failed = 0
    if known.part:
        return _run(known.part, options)
    for part in PARTS:  # each in a process of its own: the product reads its settings once
        print(f"== {part}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", "ops.bench", part, *options], check=False).returncode
    return failed


def _run(part: str, options: list[str]) -> int:
    """Import the part where it can be imported: the product reads its settings when it is."""
    name = f"ops.bench.{part}"
    if part in PLAIN:
        return int(importlib.import_module(name).main(options))
    with rig() as (redis, standin):
        return int(importlib.import_module(name).main(options, redis, standin))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
