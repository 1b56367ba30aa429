"""Run as a program: makes exports in forks, each killed with SIGKILL at another passing of a point.

Arguments: pairs `export:nth`. Prints, for each, `killed` or `ended`, a line each.
"""

import sys
from functools import partial

import django

from tests.support.dying import is_killed

POINTS = (
    ("assistant.personal_data.exports", "_claimed"),
    ("assistant.personal_data.portrait", "_json"),
    ("assistant.archive.sealed_stream", "_binding"),
    ("os", "fsync"),
    ("os", "replace"),
    ("assistant.personal_data.exports", "announce"),
)


def main() -> None:
    django.setup()
    from assistant.personal_data import exports  # noqa: PLC0415  # Django has to be set up first

    for pair in sys.argv[1:]:
        pk, _, nth = pair.rpartition(":")
        said = "killed" if is_killed(partial(exports.make, pk), POINTS, int(nth)) else "ended"
        print(said, flush=True)  # noqa: T201  # its result


if __name__ == "__main__":
    main()
