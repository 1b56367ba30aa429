"""`python -m ops.bench [PART] [OPTIONS]`: one measurement, or all of them."""

import argparse
import importlib
import sys

PARTS = ("reads", "turn", "pii")


def main(argv: list[str]) -> int:
    """Run the named parts, each with the options that follow; 0 when all went well."""
    parser = argparse.ArgumentParser(prog="python -m ops.bench", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, help="which measurement (default: all)")
    known, options = parser.parse_known_args(argv)
    failed = 0
    for part in [known.part] if known.part else PARTS:
        print(f"== {part}", flush=True)
        failed |= importlib.import_module(f"ops.bench.{part}").main(options)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
