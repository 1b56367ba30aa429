"""What a scrape asks of the database, bounded in time whatever the database does. Knows no metric.

A pool waits seconds for a server that is gone, once for each question, and a server that hangs never answers: a scrape
that waited for it would bring nothing at all, and every alert would be blind. So a thread asks, one at a time in a
process, and who is not answered in time goes without.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
SECONDS = 1.5  # Prometheus gives a whole scrape four
_under_way = threading.Lock()


def answered(ask: Callable[[], T], *, within: float = SECONDS) -> T | None:
    """What `ask` says; None where it does not in time, or an earlier one still waits."""
    deadline = time.monotonic() + within
    if not _under_way.acquire(timeout=within):
        return None
    answers: list[T] = []
    thread = threading.Thread(target=_answer, args=(ask, answers), name="scrape", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no more threads
        _under_way.release()
        return None
    thread.join(max(0.0, deadline - time.monotonic()))
    return answers[0] if answers else None


def _answer(ask: Callable[[], T], answers: list[T]) -> None:
    try:
        answers.append(ask())
    finally:
        connection.close()
        _under_way.release()
