"""A probe that somebody asked for: the question goes by the broker, the answer comes back through Redis."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from assistant.redis_link import state_redis

ANSWER_SECONDS = 60
LOOK_SECONDS = 0.1


async def answer(question: str, outcome: str) -> None:
    """Leave the outcome for who asked."""
    await _exchange(lambda redis: redis.set(_key(question), outcome, ex=ANSWER_SECONDS))


async def wait_for(question: str, seconds: float) -> str | None:
    """The outcome, None where nobody answered in time. Raise RedisDown."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        outcome = await _exchange(lambda redis: redis.get(_key(question)))
        if outcome is not None:
            return str(outcome)
        await asyncio.sleep(LOOK_SECONDS)
    return None


async def _exchange(work: Callable[[Redis], Awaitable[object]]) -> object:
    return await state_redis().exchange("asked_probe", work)


def _key(question: str) -> str:
    return f"mem:probe:answer:{question}"
