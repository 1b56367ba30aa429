"""The way to Redis: bounded, and left alone for a moment after it failed. Knows no key and no meaning.

A turn may spend `REDIS_BUDGET_MS` on an exchange. While Redis keeps failing this process leaves it alone for
`REDIS_PAUSE_MS` at a time, so that a hanging Redis costs a few turns their budget and the others nothing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from django.conf import settings
from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from assistant.breaker import Breaker
from assistant.errors import EasyIslandersError
from assistant.events import RedisUnavailable, announce
from assistant.loops import PerLoop

T = TypeVar("T")
# One late answer is no outage: on a busy event loop 20 ms pass easily, and leaving Redis alone for each would make
# everyone come back, and reconnect, at the same moment, over and over (measured at 50 concurrent reads).
FAILURES_THAT_MATTER = 3
EXCHANGE_SECONDS = 1.0
CONNECTIONS = 16  # an exchange takes well under a millisecond; more would only reconnect together


class RedisDown(EasyIslandersError):
    """Redis did not answer within its budget, or is being left alone after it failed. Go on without it."""


class RedisLink:
    """One event loop's connections to one Redis."""

    def __init__(self, url: str, *, budget_seconds: float, pause_seconds: float) -> None:
        # No timeouts of its own: redis-py bounds a send with asyncio.wait_for, which on Python 3.11 can swallow a
        # cancellation (measured: reads that outlived their deadline for good). The budget below bounds everything.
        # RESP3 and the client's name cost round trips on each connection; no retries: the turn goes on without Redis.
        self._redis: Redis = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                url,
                max_connections=CONNECTIONS,
                timeout=None,
                protocol=2,
                driver_info=None,
                decode_responses=True,
                socket_timeout=None,
                socket_connect_timeout=None,
                retry=Retry(NoBackoff(), 0),
            )
        )
        self._budget_seconds = budget_seconds
        self._breaker = Breaker(failures_that_matter=FAILURES_THAT_MATTER, pause_seconds=pause_seconds)

    @property
    def connection_pool(self) -> ConnectionPool:
        """For libraries that bring their own commands; call them inside `exchange` all the same."""
        return self._redis.connection_pool

    async def exchange(self, purpose: str, work: Callable[[Redis], Awaitable[T]], *, patiently: bool = False) -> T:
        """Do `work` within the budget, or raise RedisDown. `patiently`: within the second that any exchange has.

        The caller stops waiting when the budget is spent; the exchange itself has a second, so that a connection being
        made is not thrown away and made again by the next caller.
        """
        if not self._breaker.admits(time.monotonic()):
            raise RedisDown
        under_way = asyncio.create_task(self._run(work))
        under_way.add_done_callback(_outcome_is_known)
        await asyncio.wait({under_way}, timeout=EXCHANGE_SECONDS if patiently else self._budget_seconds)
        try:
            if under_way.done():
                return under_way.result()
        except (RedisError, OSError, TimeoutError, UnicodeError):
            pass
        self._breaker.failed(time.monotonic())
        announce(RedisUnavailable(purpose))
        raise RedisDown

    async def _run(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        async with asyncio.timeout(EXCHANGE_SECONDS):
            answer = await work(self._redis)
        self._breaker.succeeded()
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)


def _outcome_is_known(ended: asyncio.Task[Any]) -> None:
    """Take the outcome, whoever still waits for it, so that asyncio does not report it as forgotten."""
    if not ended.cancelled():
        ended.exception()


def _to(url: str) -> RedisLink:
    return RedisLink(
        url,
        budget_seconds=settings.REDIS_BUDGET_MS / 1000,
        pause_seconds=settings.REDIS_PAUSE_MS / 1000,
    )


_state_links = PerLoop(lambda: _to(settings.REDIS_URL), RedisLink.aclose)
_cache_links = PerLoop(lambda: _to(settings.CACHE_REDIS_URL), RedisLink.aclose)


def state_redis() -> RedisLink:
    """The Redis that keeps state: it must not evict."""
    return _state_links.get()


def cache_redis() -> RedisLink:
    """The Redis that keeps the context cache: it may evict."""
    return _cache_links.get()
