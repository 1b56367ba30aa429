"""Work in forked children that may be killed, or may stall, at a chosen point of the product's code.

The parent has set Django up and has touched neither database nor Redis nor an event loop with it, so that a fork costs
milliseconds and is as good as a new process. Points are patched in the child only.
"""

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from assistant.memory import mirror, outbox, write_hold
from assistant.memory.zep_client import ZepClient

Json = Any
LONGEST_SECONDS = 90

# Where a child can be stopped: (owner, its function, whether before or after it).
POINTS: dict[str, tuple[Any, str, str]] = {
    "lease_taken": (outbox, "take_lease", "after"),
    "user_ensured": (ZepClient, "ensure_user", "after"),
    "session_ensured": (ZepClient, "ensure_thread", "after"),
    "before_prepared": (outbox, "save_prepared", "before"),
    "before_call": (ZepClient, "add_messages", "before"),
    "zep_has_it": (ZepClient, "add_messages", "after"),
    "before_marked": (outbox, "acknowledge", "before"),
    "marked": (outbox, "acknowledge", "after"),
    "before_put_back": (outbox, "put_back", "before"),
    "before_told": (write_hold, "succeeded", "before"),
    "before_failure_told": (write_hold, "failed", "before"),
    "before_release": (outbox, "release", "before"),
    "released": (outbox, "release", "after"),
    "before_refresh": (mirror, "refresh_context", "before"),
}
ASYNC = frozenset({"ensure_user", "ensure_thread", "add_messages", "succeeded", "failed", "refresh_context"})


@dataclass(frozen=True)
class Stop:
    """At the `nth` passing of `point` the child is killed, or stalls until it is told to go on."""

    point: str
    nth: int = 1
    stalls: bool = False


class Fork:
    """One child at work. It ends with a result, or with None where it was killed."""

    def __init__(self, work: Callable[[], Json], stop: Stop | None = None) -> None:
        self._result, result_end = os.pipe()
        self._stalled, stalled_end = os.pipe()
        go_end, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _live(work, stop, (result_end, stalled_end, go_end))
        for end in (result_end, stalled_end, go_end):
            os.close(end)

    def wait_until_stalled_or_ended(self) -> bool:
        """True where it stalls at its point now."""
        ready, _, _ = select.select([self._stalled], [], [], LONGEST_SECONDS)
        return bool(ready) and os.read(self._stalled, 1) == b"s"

    def go_on(self) -> None:
        os.write(self._go, b"g")

    def result(self) -> Json:
        """Wait for the end; what `work` returned, None where the child was killed. Its own failure is raised here."""
        said = bytearray()
        while chunk := os.read(self._result, 65_536):
            said += chunk
        _, status = os.waitpid(self.pid, 0)
        for end in (self._result, self._stalled, self._go):
            os.close(end)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return None
        answer = json.loads(said or b'{"failed": "ended without a word"}')
        if "failed" in answer:
            raise AssertionError(f"child {self.pid} failed (status {status}): {answer['failed']}")
        return answer["result"]


def _live(work: Callable[[], Json], stop: Stop | None, ends: tuple[int, int, int]) -> None:
    """The child's whole life."""
    result_end, stalled_end, go_end = ends
    signal.alarm(LONGEST_SECONDS)
    try:
        if stop is not None:
            _install(stop, stalled_end, go_end)
        answer = {"result": work()}
    except BaseException:  # noqa: BLE001  # a process boundary: the parent raises it
        answer = {"failed": traceback.format_exc()}
    data = json.dumps(answer).encode()
    while data:
        data = data[os.write(result_end, data) :]
    sys.stdout.flush()
    os._exit(0)  # not the parent's way out: its servers are not ours to end


def _install(stop: Stop, stalled_end: int, go_end: int) -> None:
    owner, name, moment = POINTS[stop.point]
    original, passed = getattr(owner, name), 0

    def reached() -> None:
        nonlocal passed
        passed += 1
        if passed != stop.nth:
            return
        if not stop.stalls:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # the signal is on its way
        os.write(stalled_end, b"s")
        os.read(go_end, 1)

    setattr(owner, name, (_around_async if name in ASYNC else _around)(original, reached, moment))


def _around(original: Callable[..., Any], reached: Callable[[], None], moment: str) -> Callable[..., Any]:
    @wraps(original)
    def stopping(*args: Any, **kwargs: Any) -> Any:
        if moment == "before":
            reached()
        answer = original(*args, **kwargs)
        if moment == "after":
            reached()
        return answer

    return stopping


def _around_async(
    original: Callable[..., Awaitable[Any]], reached: Callable[[], None], moment: str
) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def stopping(*args: Any, **kwargs: Any) -> Any:
        if moment == "before":
            reached()
        answer = await original(*args, **kwargs)
        if moment == "after":
            reached()
        return answer

    return stopping
