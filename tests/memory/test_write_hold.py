"""The write hold on the real Redis: when it begins, who may try, how long the others wait, when it ends."""

import asyncio
import json

import pytest
import redis as redis_py

from assistant.events import Event, WriteHoldBegan, WriteHoldEnded
from assistant.memory import write_hold
from assistant.memory.errors import ZepRateLimited, ZepServerError, ZepTimeout, ZepUnauthorized, ZepUnavailable
from assistant.memory.write_hold import Admission, Pass
from ops.redis_process import RedisProcess

pytestmark = pytest.mark.usefixtures("redis_server")


async def fail(error: ZepUnavailable | None = None, permit: Pass | None = None, thread_id: str = "t1") -> float:
    failure = await write_hold.failed(permit or await write_hold.admit(), thread_id, error or ZepServerError(503))
    return failure.wait_seconds


def let_pass(redis_server: RedisProcess) -> None:
    """The hold's time is over."""
    client = redis_py.Redis.from_url(redis_server.url)
    hold = json.loads(client.get(write_hold.HOLD_KEY))  # type: ignore[arg-type]  # the client is not async
    client.set(write_hold.HOLD_KEY, json.dumps(hold | {"until": 0}))


async def test_without_failures_writing_is_open() -> None:
    assert (await write_hold.admit()).admission is Admission.OPEN


async def test_the_third_failure_in_a_row_begins_a_hold_and_says_so_once(announced: list[Event]) -> None:
    waits = [await fail() for _ in range(3)]

    assert waits[:2] == [0.0, 0.0]
    assert 1.5 < waits[2] < 2.5
    assert (await write_hold.admit()).admission is Admission.HELD
    assert announced == [WriteHoldBegan("http_503")]


async def test_a_success_between_failures_begins_no_hold() -> None:
    for _ in range(5):
        await fail()
        await fail()
        await write_hold.succeeded(await write_hold.admit(), "t1")

    assert (await write_hold.admit()).admission is Admission.OPEN


@pytest.mark.parametrize("error", [ZepUnauthorized(401), ZepUnauthorized(403), ZepRateLimited(429)])
async def test_a_refused_key_and_a_rate_limit_begin_a_hold_at_once(error: ZepUnavailable) -> None:
    assert await fail(error) > 0
    assert (await write_hold.admit()).admission is Admission.HELD


async def test_retry_after_is_kept() -> None:
    assert 120 <= await fail(ZepRateLimited(429, retry_after=120.0)) <= 132


async def test_when_the_hold_is_due_one_canary_tries_and_the_others_wait_on(redis_server: RedisProcess) -> None:
    await fail(ZepUnauthorized(401))
    let_pass(redis_server)

    permits = await asyncio.gather(*(write_hold.admit() for _ in range(20)))

    assert [permit.admission for permit in permits].count(Admission.CANARY) == 1
    assert {permit.admission for permit in permits} == {Admission.CANARY, Admission.HELD}


async def test_a_canary_that_fails_doubles_the_wait_up_to_a_minute(redis_server: RedisProcess) -> None:
    waits = [await fail(ZepUnauthorized(401))]
    for _ in range(7):
        let_pass(redis_server)
        waits.append(await fail(ZepTimeout()))

    assert [round(wait / 2) for wait in waits[:3]] == [1, 2, 4]
    assert all(54 <= wait <= 66 for wait in waits[-2:])


async def test_a_canary_that_succeeds_ends_the_hold(redis_server: RedisProcess, announced: list[Event]) -> None:
    await fail(ZepUnauthorized(401))
    let_pass(redis_server)

    ended = await write_hold.succeeded(await write_hold.admit(), "t1")

    assert ended
    assert (await write_hold.admit()).admission is Admission.OPEN
    assert (await write_hold.state()).recovered_at > 0
    assert announced[-1] == WriteHoldEnded()


async def test_failures_and_successes_from_before_the_hold_change_nothing(announced: list[Event]) -> None:
    early = await write_hold.admit()
    await fail(ZepUnauthorized(401))
    before = await write_hold.state()

    await fail(permit=early)
    assert not await write_hold.succeeded(early, "t1")

    after = await write_hold.state()
    assert (after.until, after.failures, after.is_on) == (before.until, before.failures, True)
    assert announced == [WriteHoldBegan("auth")]


async def test_thirty_failures_at_once_begin_one_hold(announced: list[Event]) -> None:
    permit = await write_hold.admit()

    await asyncio.gather(*(fail(permit=permit, thread_id=f"t{n}") for n in range(30)))

    assert announced == [WriteHoldBegan("http_503")]


async def test_a_failure_says_whether_other_threads_succeed() -> None:
    permit = await write_hold.admit()

    async def fails(thread_id: str) -> bool:
        return (await write_hold.failed(permit, thread_id, ZepServerError(500))).others_succeed

    assert [await fails("mine"), await fails("yours")] == [False, False]
    await write_hold.succeeded(permit, "mine")
    assert [await fails("mine"), await fails("yours")] == [False, True]
    assert [await fails("mine"), await fails("yours")] == [False, False]  # none since


async def test_without_redis_there_is_no_hold_and_nothing_raises(redis_server: RedisProcess) -> None:
    redis_server.stop()

    assert (await write_hold.admit()).admission is Admission.OPEN
    assert await fail() == 0.0
