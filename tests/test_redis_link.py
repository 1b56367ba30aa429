"""The way to Redis: bounded for the caller, kind to a Redis that fails, and quick to come back."""

import asyncio

import pytest

from assistant.redis_link import FAILURES_THAT_MATTER, RedisDown, RedisLink
from ops.redis_process import RedisProcess
from ops.waiting import PATIENCE_SECONDS

PAUSE = 0.5


@pytest.fixture
async def link(redis_server: RedisProcess) -> RedisLink:
    """It has all the time that a busy machine takes."""
    return RedisLink(redis_server.url, budget_seconds=PATIENCE_SECONDS, pause_seconds=PAUSE)


async def test_an_exchange_gives_its_answer(link: RedisLink) -> None:
    assert await link.exchange("test", lambda redis: redis.ping()) is True


async def test_a_frozen_redis_is_unavailable_and_comes_back_by_itself(
    redis_server: RedisProcess,
) -> None:
    link = RedisLink(redis_server.url, budget_seconds=0.05, pause_seconds=PAUSE)
    await until_it_answers(link)
    redis_server.freeze()
    for _ in range(FAILURES_THAT_MATTER):
        with pytest.raises(RedisDown):
            await link.exchange("test", lambda redis: redis.ping())

    redis_server.thaw()

    await until_it_answers(link)
    await link.aclose()


async def test_fifty_callers_of_a_cold_process_do_not_lock_each_other_out(redis_server: RedisProcess) -> None:
    link = RedisLink(redis_server.url, budget_seconds=0.02, pause_seconds=0.05)

    await asyncio.gather(*(until_it_answers(link) for _ in range(50)))
    await link.aclose()


async def test_an_error_of_the_work_itself_is_passed_on(link: RedisLink) -> None:
    async def wrong(_: object) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await link.exchange("test", wrong)


async def until_it_answers(link: RedisLink) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await answers(link):  # noqa: ASYNC110  # Redis tells nobody that it is back
            await asyncio.sleep(0.01)


async def answers(link: RedisLink) -> bool:
    try:
        return bool(await link.exchange("test", lambda redis: redis.ping()))
    except RedisDown:
        return False
