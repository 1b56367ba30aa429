"""Other ways to read a thread's context in a turn. They run in the product's own web process, in the read's place."""

from collections.abc import Awaitable, Callable

import httpx
import redis
from django.conf import settings
from zep_python import Memory
from zep_python.client import AsyncZep
from zep_python.core.api_error import ApiError

from assistant.memory.context import RemoteMessage, ThreadContext
from assistant.memory.service import Meta, Remembered

TIMEOUT_SECONDS = 0.25
FAILURES_THAT_OPEN = 3
OPEN_SECONDS = 300
TRACE: Meta = {"used": False, "mode": "read_write", "source": "local"}

Read = Callable[..., Awaitable[Remembered]]


async def nothing(_thread_id: str, **_: object) -> Remembered:
    """No memory at all: what a turn costs without it."""
    return Remembered(None, TRACE | {"reason": "disabled"})


class Naive:
    """zep-python called in the view with a timeout, through the httpx client that it makes itself."""

    def __init__(self) -> None:
        self._zep = AsyncZep(base_url=settings.ZEP_BASE_URL, api_key=settings.ZEP_API_KEY, timeout=TIMEOUT_SECONDS)
        self.errors: tuple[type[Exception], ...] = (ApiError, httpx.HTTPError, ValueError)

    async def __call__(self, thread_id: str, **_: object) -> Remembered:
        try:
            memory = await self.ask(thread_id)
        except self.errors as error:
            return Remembered(None, TRACE | {"reason": type(error).__name__})
        recent = tuple(RemoteMessage(m.role_type or "", m.content or "") for m in memory.messages or ())
        facts = tuple(fact.fact or "" for fact in memory.relevant_facts or ())
        return Remembered(ThreadContext(facts, recent), TRACE | {"used": True, "source": "zep"})

    async def ask(self, thread_id: str) -> Memory:
        return await self._zep.memory.get(thread_id, lastn=10)


class Breaking(Naive):
    """The same call with pybreaker around it, its state in Redis. Its storage is not async: it blocks the loop."""

    def __init__(self) -> None:
        import pybreaker  # type: ignore[import-not-found]  # noqa: PLC0415  # only there where this rival runs

        super().__init__()
        storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, redis.Redis.from_url(settings.REDIS_URL))
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=FAILURES_THAT_OPEN, reset_timeout=OPEN_SECONDS, state_storage=storage
        )
        self.errors = (*self.errors, pybreaker.CircuitBreakerError)

    async def ask(self, thread_id: str) -> Memory:
        memory: Memory = await self._breaker.call_async(super().ask, thread_id)
        return memory


RIVALS: dict[str, Callable[[], Read]] = {"nothing": lambda: nothing, "naive": Naive, "pybreaker": Breaking}
