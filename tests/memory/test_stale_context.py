"""Old copies of a context: kept for ten minutes, used only where a read gave nothing, and then labelled."""

from uuid import uuid4

import pytest

from assistant.conversation import ThreadRef
from assistant.events import ContextRefreshed, Event
from assistant.memory import context_cache, guard
from assistant.memory.context import ThreadContext
from assistant.memory.guard import Kind
from assistant.memory.service import fetch_thread_context_async, refresh_context, remember
from assistant.models import User
from assistant.redis_link import RedisDown
from assistant.turns import Turn, take_turn
from ops.zep_standin.process import StandIn
from tests.support.background import in_the_background
from tests.support.guarding import GuardInRedis

pytestmark = pytest.mark.django_db(transaction=True)
FRESH_KEY, STALE_KEY = "mem:ctx:v1:t1:summary", "mem:ctx:v1:t1:stale"
OLD = ThreadContext(facts=("the user wants a flat in Girne",))


async def cache(context: ThreadContext) -> None:
    await context_cache.fill("t1", "summary", context, (await context_cache.look_up("t1", "summary")).generation)


async def turn(user: User, said: str) -> Turn:
    answered = await take_turn(ThreadRef(user, "t1"), said, uuid4())
    await in_the_background()
    return answered


async def test_an_old_copy_outlives_the_cache_for_ten_minutes(guarded: GuardInRedis, standin: StandIn) -> None:
    await cache(OLD)

    assert 1 <= guarded.client.ttl(FRESH_KEY) <= 30
    assert 570 <= guarded.client.ttl(STALE_KEY) <= 600


async def test_a_failed_read_falls_back_to_the_old_copy_and_says_how_old_it_is(
    guarded: GuardInRedis, standin: StandIn, ayse: User
) -> None:
    await turn(ayse, "hello")
    await cache(OLD)
    guarded.client.delete(FRESH_KEY)
    guarded.client.expire(STALE_KEY, 600 - 45)
    standin.fault("status", route="read", status=503)

    trace = (await turn(ayse, "what did I want?")).reply.memory_trace

    assert {"used": False, "source": "local", "reason": "http_503"}.items() <= trace.items()
    assert (trace["fallback"], trace["age_s"]) == ("stale_cache", 45)


async def test_a_forced_turn_uses_what_is_cached_as_an_old_copy(
    guarded: GuardInRedis, standin: StandIn, ayse: User
) -> None:
    await turn(ayse, "hello")
    await cache(OLD)
    await guard.report(Kind.AUTH, guarded.epoch)
    before = standin.last_n()

    trace = (await turn(ayse, "what did I want?")).reply.memory_trace

    assert {"used": False, "source": "write_only_forced", "fallback": "stale_cache"}.items() <= trace.items()
    assert standin.log(before) == []


async def test_without_an_old_copy_the_local_messages_are_what_is_left(
    guarded: GuardInRedis, standin: StandIn, ayse: User
) -> None:
    await guard.report(Kind.AUTH, guarded.epoch)
    first = (await turn(ayse, "hello")).reply.memory_trace
    second = (await turn(ayse, "hello again")).reply.memory_trace

    assert "fallback" not in first
    assert second["fallback"] == "local_recent"


async def test_a_healthy_read_never_uses_the_old_copy(guarded: GuardInRedis, standin: StandIn) -> None:
    await cache(OLD)
    guarded.client.delete(FRESH_KEY)

    context, meta = await fetch_thread_context_async("t1")

    assert context == ThreadContext()
    assert "fallback" not in meta


async def test_new_messages_make_the_context_old_but_do_not_take_the_copy(guarded: GuardInRedis) -> None:
    await cache(OLD)

    await context_cache.forget("t1")

    found = await context_cache.look_up("t1", "summary")
    assert found.context is None
    assert found.stale is not None
    assert found.stale.context == OLD


@pytest.mark.parametrize("state", ["forced", "paused", "unknown"])
async def test_a_worker_does_not_refresh_while_reads_are_off(
    guarded: GuardInRedis, standin: StandIn, state: str
) -> None:
    if state == "forced":
        await guard.report(Kind.AUTH, guarded.epoch)
    elif state == "paused":
        await guard.pause(60, guarded.epoch)
    else:
        guarded.lose()
    before = standin.last_n()

    await refresh_context("t1")

    assert standin.log(before) == []


async def test_a_refresh_that_fails_is_counted_by_itself_and_never_against_the_guard(
    guarded: GuardInRedis, standin: StandIn, announced: list[Event]
) -> None:
    standin.fault("status", route="read", status=401)

    for _ in range(5):
        await refresh_context("t1")

    assert announced == [ContextRefreshed("auth")] * 5
    assert guarded.reason == ""


async def test_without_the_caches_redis_zep_is_still_read(
    guarded: GuardInRedis, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise RedisDown

    monkeypatch.setattr(context_cache, "look_up", down)

    remembered = await remember("t1")

    assert (remembered.meta["used"], remembered.meta["cached"]) == (True, False)
