"""How long each step of a turn took, and whether a request led to a turn at all. Knows clocks, no step by name."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from assistant import tracing


@dataclass
class Request:
    """What is known of the request under way."""

    led_to_a_turn: bool = False


_request: ContextVar[Request | None] = ContextVar("request", default=None)


@contextmanager
def request_under_way() -> Iterator[Request]:
    """Note for the block whether a turn was begun in it, in whichever task of it."""
    request = Request()
    token = _request.set(request)
    try:
        yield request
    finally:
        _request.reset(token)


class Steps:
    """One turn's steps; making it is beginning the turn. `is_awaited`: somebody still waits for the answer."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.is_awaited = True
        if request := _request.get():
            request.led_to_a_turn = True

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the block, whatever becomes of it."""
        started = time.perf_counter()
        try:
            with tracing.span(name):
                yield
        finally:
            self.seconds[name] = time.perf_counter() - started

    @property
    def total_seconds(self) -> float:
        """Since the turn began."""
        return time.perf_counter() - self._started
