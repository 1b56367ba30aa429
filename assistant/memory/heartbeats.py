"""Signs of life of the schedule and of the control worker, each written by the process it is about."""

from collections.abc import Sequence
from typing import Literal

from redis.asyncio import Redis

from assistant.redis_link import state_redis

Name = Literal["beat", "control"]
NAMES: Sequence[Name] = ("beat", "control")
KEPT_SECONDS = 24 * 3600

WRITE = """
local time = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%d.%06d', time[1], time[2]), 'EX', ARGV[1])
"""


async def beat(name: Name) -> None:
    """Write that the process lives, by Redis's clock. One round trip. May raise RedisDown."""

    async def work(redis: Redis) -> None:
        await redis.register_script(WRITE)([key_of(name)], [KEPT_SECONDS])

    await state_redis().exchange("heartbeat", work)


async def ages() -> dict[Name, float | None]:
    """Seconds since each last was heard of; None: not for a day. One round trip. May raise RedisDown."""

    async def work(redis: Redis) -> dict[Name, float | None]:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.mget([key_of(name) for name in NAMES])
            (seconds, microseconds), heard = await pipe.execute()
        now = seconds + microseconds / 1_000_000
        return {name: max(0.0, now - float(at)) if at else None for name, at in zip(NAMES, heard, strict=True)}

    return await state_redis().exchange("heartbeat", work)


def key_of(name: Name) -> str:
    """Where it is in Redis."""
    return f"mem:heartbeat:{name}"
