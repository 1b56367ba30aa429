"""Run as a program: carries erasures out in forks, each killed with SIGKILL at another passing of a point.

Arguments: pairs `erasure:nth`. Prints, for each, `killed` or `ended`, a line each. A fork has touched neither database
nor Redis before, so it is as good as a new worker.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

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
    for pair in sys.argv[1:]:
        pk, _, nth = pair.partition(":")
        print("killed" if in_a_fork(int(pk), int(nth)) else "ended", flush=True)  # noqa: T201  # its result


def in_a_fork(pk: int, nth: int) -> bool:
    """Whether the fork was killed before it had done all that it could."""
    child = os.fork()
    if child == 0:
        carry_out_until(pk, nth)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def carry_out_until(pk: int, nth: int) -> None:
    """The whole erasure with the waiting left out, dead at the nth passing."""
    from assistant.personal_data import progress  # noqa: PLC0415  # Django has to be set up first
    from tests.personal_data.conftest import time_passes  # noqa: PLC0415

    passed = 0

    def dies_around(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            maybe_die()
            answer = call(*arguments, **named)
            maybe_die()
            return answer

        return wrapped

    def maybe_die() -> None:
        nonlocal passed
        passed += 1
        if passed == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    for module, name in POINTS:
        setattr(sys.modules[module], name, dies_around(getattr(sys.modules[module], name)))
    for _ in range(4):
        progress.carry_out(pk)
        time_passes()


if __name__ == "__main__":
    main()
