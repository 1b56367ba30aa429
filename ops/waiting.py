"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 120.0  # a machine that others use too may stand still for a quarter of a minute, again and again


def wait_until(condition: Callable[[], T], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
    """Return the condition's first true value; fail with `what` was waited for after `seconds`.

    Patience costs nothing where the condition comes true.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(POLL_SECONDS)
