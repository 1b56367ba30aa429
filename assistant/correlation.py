"""One id from a request through its tasks to every log line on the way. Knows no web framework and no logger.

It is always made here, never taken from a client: it goes into logs, and a client's could be anything.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current() -> str:
    """The id of what is being done; empty where nobody began anything."""
    return _current.get()


def begin(correlation_id: str = "") -> None:
    """From here on, in this context, everything is done under this id, or under a new one."""
    _current.set(correlation_id or uuid.uuid4().hex)


@contextmanager
def correlated(correlation_id: str = "") -> Iterator[str]:
    """Do the block under this id, or under a new one."""
    token = _current.set(correlation_id or uuid.uuid4().hex)
    try:
        yield _current.get()
    finally:
        _current.reset(token)
