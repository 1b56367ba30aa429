"""What a turn costs, counted: queries, transactions, Redis round trips, calls to Zep. A change here is a decision."""

from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import pytest
import redis as redis_py
from asgiref.sync import sync_to_async
from django.db import connection

from assistant.conversation import ThreadRef
from assistant.memory import guard, outbox
from assistant.memory.guard import Kind
from assistant.memory.service import refresh_context
from assistant.models import Thread, User
from assistant.turns import take_turn
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.support.background import in_the_background

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin")]
BOOKKEEPING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "PRAGMA")


@pytest.fixture
async def statements() -> AsyncIterator[list[str]]:
    """What runs on the database connection of the thread that `sync_to_async` uses."""
    seen: list[str] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        seen.append(sql)
        return execute(sql, *rest)

    await sync_to_async(lambda: connection.execute_wrappers.append(note))()
    yield seen
    await sync_to_async(lambda: connection.execute_wrappers.remove(note))()


def commands(redis_server: RedisProcess) -> dict[str, int]:
    """How often each command ran so far, as Redis counts them."""
    stats = redis_py.Redis.from_url(redis_server.url).info("commandstats")
    return {name.removeprefix("cmdstat_"): values["calls"] for name, values in stats.items()}


@pytest.mark.usefixtures("redis_server")
async def test_a_later_turn_takes_nine_queries_in_two_transactions(ayse: User, statements: list[str]) -> None:
    thread = ThreadRef(ayse, "t1")
    await take_turn(thread, "I need a 2 bedroom in Girne", uuid4())
    statements.clear()

    await take_turn(thread, "hello", uuid4())

    work = [sql for sql in statements if not sql.startswith(BOOKKEEPING)]
    assert len(work) == 9, work
    if connection.vendor == "sqlite":  # elsewhere the driver begins transactions, unseen
        assert sum(sql.startswith("BEGIN") for sql in statements) == 2


ROUND_TRIPS = ("mget", "evalsha")  # what the memory asks of Redis; scripts count once, whatever they do inside


@pytest.mark.parametrize(
    ("situation", "round_trips"),
    [
        ("cached", {"mget": 1, "evalsha": 1}),
        ("forced", {"mget": 1, "evalsha": 1}),
        ("miss", {"mget": 1, "evalsha": 2}),
        ("erasing", {"mget": 0, "evalsha": 0}),
    ],
)
async def test_a_turns_memory_asks_redis_so_often(
    ayse: User, redis_server: RedisProcess, standin: StandIn, situation: str, round_trips: dict[str, int]
) -> None:
    thread = ThreadRef(ayse, "t1")
    await take_turn(thread, "hello", uuid4())
    if situation == "forced":
        await guard.force("drill", "ayse", 60)
    elif situation == "cached":
        await refresh_context("t1")
    elif situation == "erasing":
        await Thread.objects.aupdate(lease_until=outbox.FOR_GOOD)
    await in_the_background()
    before, calls_before = commands(redis_server), standin.last_n()

    await take_turn(thread, "hello again", uuid4())
    await in_the_background()

    after = commands(redis_server)
    assert {name: after.get(name, 0) - before.get(name, 0) for name in ROUND_TRIPS} == round_trips
    assert after["lpush"] - before["lpush"] == 1  # the nudge
    assert len(standin.log(calls_before)) == (situation == "miss")


async def test_a_failed_read_is_reported_in_one_round_trip_after_the_answer(
    ayse: User, redis_server: RedisProcess, standin: StandIn
) -> None:
    thread = ThreadRef(ayse, "t1")
    await take_turn(thread, "hello", uuid4())
    await guard.report(Kind.FAILURE, "none")  # so that the script is known to Redis
    await in_the_background()
    standin.fault("status", route="read", status=503)
    before = commands(redis_server)

    await take_turn(thread, "hello again", uuid4())
    await in_the_background()

    after = commands(redis_server)
    assert {name: after.get(name, 0) - before.get(name, 0) for name in ROUND_TRIPS} == {"mget": 1, "evalsha": 2}
