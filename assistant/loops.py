"""One event loop in a background thread, for code that is not async. Knows nothing of what runs on it.

Clients are written once, async; workers and commands call them through `run`. `PerLoop` keeps one client for each
running event loop, because connections belong to the loop they were opened on.
"""

import asyncio
import atexit
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

_lock = threading.Lock()
_background: asyncio.AbstractEventLoop | None = None


def run(work: Coroutine[object, object, T]) -> T:
    """Run `work` on the background loop and wait for it. Raise RuntimeError on an event loop, which it would block."""
    if _is_on_a_loop():
        work.close()
        raise RuntimeError("this would block the event loop: await the async twin instead")
    return start(work).result()


def start(work: Coroutine[object, object, T]) -> Future[T]:
    """Let `work` begin on the background loop; its result is waited for later."""
    return asyncio.run_coroutine_threadsafe(work, _background_loop())


def later(seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Let `work` begin on the background loop after so long, unless the process ends before."""
    loop = _background_loop()

    def begin() -> None:
        task = loop.create_task(work())
        _unfinished.add(task)
        task.add_done_callback(_unfinished.discard)

    loop.call_soon_threadsafe(loop.call_later, seconds, begin)


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_unfinished: set[asyncio.Task[Any]] = set()


async def uncancelled(work: Coroutine[Any, Any, T]) -> T:
    """Wait for `work`; where the waiting is cancelled, `work` goes on to its end all the same."""
    task = asyncio.get_running_loop().create_task(work)
    _unfinished.add(task)  # the loop itself would let it be collected
    task.add_done_callback(_unfinished.discard)
    return await asyncio.shield(task)


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Let `work` run on, for nobody to wait for."""
    task = asyncio.get_running_loop().create_task(work)
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)


def _background_loop() -> asyncio.AbstractEventLoop:
    global _background  # noqa: PLW0603  # one per process by design, made on first use so that it is made after any fork
    with _lock:
        if _background is None or _background.is_closed():
            _background = asyncio.new_event_loop()
            threading.Thread(target=_background.run_forever, name="background-loop", daemon=True).start()
            atexit.register(_close_background, _background)
        return _background


def _close_background(loop: asyncio.AbstractEventLoop) -> None:
    """At the process's end: close what was made for the background loop, within a second."""
    with suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(aclose(), loop).result(timeout=1)
    loop.call_soon_threadsafe(loop.stop)


def unfinished() -> list[asyncio.Task[Any]]:
    """What was left running on this loop and has not ended."""
    here = asyncio.get_running_loop()
    return [task for task in _unfinished if task.get_loop() is here and not task.done()]


class PerLoop(Generic[T]):
    """A value made once for each event loop that asks for it; `close` lets go of what it holds."""

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        self._make, self._close = make, close
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()
        _all.append(self)

    def get(self) -> T:
        """The running loop's value."""
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made[loop] = self._make()
        return self._made[loop]

    async def aclose(self) -> None:
        """Close the running loop's value, where one was made."""
        value = self._made.pop(asyncio.get_running_loop(), None)
        if value is not None:
            await self._close(value)


_all: list[PerLoop[Any]] = []


async def aclose() -> None:
    """Close everything that was made for the running loop. It is made anew when it is asked for again."""
    for per_loop in _all:
        await per_loop.aclose()
