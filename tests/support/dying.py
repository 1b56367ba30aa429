"""Work that is done in a fork and killed with SIGKILL at the nth passing of a point, as a worker may be anywhere.

For programs that have touched neither database nor Redis before: their fork is as good as a new worker.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

Points = Sequence[tuple[str, str]]  # a loaded module, and what is called there: passed before each call and after


def is_killed(work: Callable[[], object], points: Points, nth: int) -> bool:
    """Whether the fork was killed before it had done all of the work. It fails where the work does."""
    child = os.fork()
    if child == 0:
        _die_at(points, nth)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _die_at(points: Points, nth: int) -> None:
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

    for module, name in points:
        setattr(sys.modules[module], name, dies_around(getattr(sys.modules[module], name)))
