"""How many messages one user may send: a sliding window in Redis. Without Redis nobody is refused."""

import math
import time
from contextlib import suppress

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from assistant.errors import EasyIslandersError
from assistant.events import RateLimitHit, announce
from assistant.loops import PerLoop
from assistant.redis_link import RedisDown, state_redis


class RateLimited(EasyIslandersError):
    """The user sent too much; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


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


async def count_message(user_pk: int) -> None:
    """Count one message of the user, or raise RateLimited. One round trip; one more when over the limit."""
    limit, limiter = RateLimitItemPerMinute(settings.CHAT_RATE_PER_MINUTE), _limiters.get()
    with suppress(RedisDown):
        allowed = await state_redis().exchange("rate_limit", lambda _: limiter.hit(limit, str(user_pk)))
        if allowed:
            return
        stats = await state_redis().exchange("rate_limit", lambda _: limiter.get_window_stats(limit, str(user_pk)))
        announce(RateLimitHit())
        raise RateLimited(max(1, math.ceil(stats.reset_time - time.time())))
