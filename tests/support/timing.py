"""Upper bounds on what a piece of work takes, on a machine that may stand still at any moment."""

import time
from collections.abc import Awaitable, Callable

GOES = 6


def is_ever_within(seconds: float, work: Callable[[], object]) -> bool:
    """Whether one of several goes takes less: what is slow by itself is slow each time."""
    return any(_seconds_of(work) < seconds for _ in range(GOES))


def is_ever_computed_within(seconds: float, work: Callable[[], object]) -> bool:
    """The same for what only computes: seconds of this thread's processor, whoever else wants it."""
    return any(_seconds_of(work, time.thread_time) < seconds for _ in range(GOES))


async def is_ever_awaited_within(seconds: float, work: Callable[[], Awaitable[object]]) -> bool:
    """The same for what is awaited."""
    for _ in range(GOES):
        started = time.monotonic()
        await work()
        if time.monotonic() - started < seconds:
            return True
    return False


def _seconds_of(work: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> float:
    started = clock()
    work()
    return clock() - started
