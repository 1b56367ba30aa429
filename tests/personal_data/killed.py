"""Run as a program: carries erasures out in forks, each killed with SIGKILL at another passing of a point.

Arguments: pairs `erasure:nth`. Prints, for each, `killed` or `ended`, a line each.
"""

import sys
from functools import partial

import django

from tests.support.dying import is_killed

POINTS = (
    ("assistant.personal_data.ledger", "_append"),
    ("assistant.personal_data.places", "_removed"),
    ("assistant.personal_data.export_files", "remove"),
    ("assistant.personal_data.at_zep", "delete"),
    ("assistant.personal_data.at_zep", "delete_what_came_back"),
    ("assistant.personal_data.places", "_forget_threads"),
    ("assistant.personal_data.unarchiving", "bring_back"),
    ("assistant.personal_data.unarchiving", "_commit"),
    ("assistant.archive.restoring", "_count"),
    ("assistant.archive.left_over", "remove"),
    ("assistant.personal_data.progress", "_remove_the_last_rows"),
    ("assistant.personal_data.retelling", "tell_anew"),
    ("assistant.personal_data.progress", "_wait_until_settled"),
    ("assistant.personal_data.progress", "_advance"),
    ("assistant.personal_data.sealing", "seal"),
)


def main() -> None:
    django.setup()
    from assistant.personal_data import progress  # noqa: PLC0415  # Django has to be set up first
    from tests.personal_data.conftest import time_passes  # noqa: PLC0415

    def carry_out(pk: int) -> None:
        """The whole erasure with the waiting left out."""
        for _ in range(4):
            progress.carry_out(pk)
            time_passes()

    for pair in sys.argv[1:]:
        pk, _, nth = pair.partition(":")
        said = "killed" if is_killed(partial(carry_out, int(pk)), POINTS, int(nth)) else "ended"
        print(said, flush=True)  # noqa: T201  # its result


if __name__ == "__main__":
    main()
