"""How often a user may do something: sliding windows in Redis. Without Redis nobody is refused. Knows no HTTP."""

import math
import time
from contextlib import suppress

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from assistant.errors import EasyIslandersError
from assistant.loops import PerLoop
from assistant.redis_link import RedisDown, state_redis


class RateLimited(EasyIslandersError):
    """The user asked too often; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


def messages() -> RateLimitItem:
    return RateLimitItemPerMinute(settings.CHAT_RATE_PER_MINUTE)


def exports() -> RateLimitItem:
    return RateLimitItemPerHour(settings.EXPORTS_PER_HOUR, namespace="EXPORTS")


def facts() -> RateLimitItem:
    return RateLimitItemPerMinute(settings.FACTS_PER_MINUTE, namespace="FACTS")


def changes() -> RateLimitItem:
    """Of threads erased and memory switched: each sends the user's other threads to Zep again, or is audited."""
    return RateLimitItemPerHour(settings.DATA_CHANGES_PER_HOUR, namespace="CHANGES")


def _limiter() -> SlidingWindowCounterRateLimiter:
    storage = RedisStorage(
        f"async+{settings.REDIS_URL}",
        implementation="redispy",
        key_prefix="rate",
        connection_pool=state_redis().connection_pool,  # type: ignore[arg-type]  # documented, but not in its annotation
    )
    return SlidingWindowCounterRateLimiter(storage)


async def _nothing_to_close(_: SlidingWindowCounterRateLimiter) -> None:
    """The connections are `state_redis`'s."""


_limiters = PerLoop(_limiter, _nothing_to_close)


async def count(limit: RateLimitItem, user_pk: int) -> None:
    """Count once for the user, or raise RateLimited. One round trip; one more when over the limit."""
    limiter = _limiters.get()
    with suppress(RedisDown):
        if await state_redis().exchange("rate_limit", lambda _: limiter.hit(limit, str(user_pk))):
            return
        stats = await state_redis().exchange("rate_limit", lambda _: limiter.get_window_stats(limit, str(user_pk)))
        raise RateLimited(max(1, math.ceil(stats.reset_time - time.time())))


async def forget(user_pk: int) -> None:
    """Remove what was counted of the user. Raise RedisDown."""
    limiter = _limiters.get()

    async def clear(_: Redis) -> None:
        for limit in (messages(), exports(), facts(), changes()):
            await limiter.clear(limit, str(user_pk))

    await state_redis().exchange("rate_limit", clear)
