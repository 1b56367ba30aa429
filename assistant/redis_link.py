"""The way to Redis: bounded, and left alone for a moment after it failed. Knows no key and no meaning.

A turn may spend `REDIS_BUDGET_MS` on an exchange. After a failure this process answers "unavailable" at once for
`REDIS_RETRY_AFTER_MS`, so that a hanging Redis costs one turn its budget and the following ones nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from assistant.errors import EasyIslandersError
from assistant.events import RedisUnavailable, announce
from assistant.loops import PerLoop

T = TypeVar("T")


class RedisDown(EasyIslandersError):
    """Redis did not answer within its budget, or failed a moment ago. Go on without it."""


class RedisLink:
    """One event loop's connections to one Redis."""

    def __init__(self, url: str, *, budget_seconds: float, retry_after_seconds: float) -> None:
        # No timeouts of its own: redis-py bounds a send with asyncio.wait_for, which on Python 3.11 can swallow a
        # cancellation (measured: reads that outlived their deadline for good). The budget below bounds everything.
        # RESP3 costs a HELLO a connection and brings nothing here; no retries: the turn goes on without Redis.
        self._redis: Redis = Redis.from_url(
            url,
            protocol=2,
            decode_responses=True,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
            max_connections=512,
        )
        self._budget_seconds = budget_seconds
        self._retry_after_seconds = retry_after_seconds
        self._left_alone_until = 0.0

    @property
    def connection_pool(self) -> ConnectionPool:
        """For libraries that bring their own commands; call them inside `exchange` all the same."""
        return self._redis.connection_pool

    async def exchange(self, purpose: str, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Do `work` within the budget, or raise RedisDown."""
        if time.monotonic() < self._left_alone_until:
            raise RedisDown
        try:
            async with asyncio.timeout(self._budget_seconds):
                return await work(self._redis)
        except (RedisError, OSError, TimeoutError):
            self._left_alone_until = time.monotonic() + self._retry_after_seconds
            announce(RedisUnavailable(purpose))
            raise RedisDown from None

    async def aclose(self) -> None:
        await self._redis.aclose()


def _to(url: str) -> RedisLink:
    return RedisLink(
        url,
        budget_seconds=settings.REDIS_BUDGET_MS / 1000,
        retry_after_seconds=settings.REDIS_RETRY_AFTER_MS / 1000,
    )


_state_links = PerLoop(lambda: _to(settings.REDIS_URL), RedisLink.aclose)
_cache_links = PerLoop(lambda: _to(settings.CACHE_REDIS_URL), RedisLink.aclose)


def state_redis() -> RedisLink:
    """The Redis that keeps state: it must not evict."""
    return _state_links.get()


def cache_redis() -> RedisLink:
    """The Redis that keeps the context cache: it may evict."""
    return _cache_links.get()
