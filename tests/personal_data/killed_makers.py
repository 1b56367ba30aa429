"""Run as a program: makes exports in forks, each killed with SIGKILL at another passing of a point.

Arguments: pairs `export:nth`. Prints, for each, `killed` or `ended`, a line each. A fork has touched no database yet,
so it is as good as a new worker.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

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
    for pair in sys.argv[1:]:
        pk, _, nth = pair.rpartition(":")
        print("killed" if in_a_fork(pk, int(nth)) else "ended", flush=True)  # noqa: T201  # its result


def in_a_fork(pk: str, nth: int) -> bool:
    """Whether the fork was killed before it had made the export."""
    child = os.fork()
    if child == 0:
        make_until(pk, nth)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def make_until(pk: str, nth: int) -> None:
    """Make the export, dead at the nth passing."""
    from assistant.personal_data import exports  # noqa: PLC0415  # Django has to be set up first

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
    exports.make(pk)


if __name__ == "__main__":
    main()
