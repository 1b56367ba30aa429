"""A share of the threads reads memory: always the same ones, and the others cost nothing."""

from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from pytest_django.fixtures import Settings

from assistant import conversation, loops
from assistant.conversation import ThreadRef
from assistant.events import ContextRead, Event, ReadBlocked, TurnRemembered
from assistant.memory import canary, context_cache, mirror
from assistant.memory.context import ThreadContext
from assistant.memory.service import fetch_thread_context, refresh_context, remember
from assistant.models import User
from assistant.turns import recall
from easy_islanders import checks
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn

IDS = [str(UUID(int=number)) for number in range(10_000)]
Said = Callable[..., UUID]


def among(share: int, settings: Settings) -> set[str]:
    settings.MEMORY_READ_PERCENT = share
    return {thread_id for thread_id in IDS if canary.reads_memory(thread_id)}


def outside(settings: Settings) -> str:
    """A thread that memory is not rolled out to at 10 %."""
    settings.MEMORY_READ_PERCENT = 10
    return next(thread_id for thread_id in IDS if not canary.reads_memory(thread_id))


@pytest.mark.parametrize("share", [1, 10, 50, 90])
def test_the_share_is_what_was_asked_for(settings: Settings, share: int) -> None:
    assert len(among(share, settings)) / len(IDS) == pytest.approx(share / 100, abs=0.01)


def test_nobody_at_0_and_everybody_at_100(settings: Settings) -> None:
    assert len(among(0, settings)) == 0
    assert len(among(100, settings)) == len(IDS)


def test_who_is_in_stays_in_when_the_share_grows(settings: Settings) -> None:
    shares = [among(share, settings) for share in range(0, 101, 10)]
    assert all(smaller < larger for smaller, larger in pairwise(shares))


@pytest.mark.parametrize(("thread_id", "place"), [("t1", 86), ("my-search", 10), ("", 52)])
def test_a_threads_place_is_the_same_for_ever(thread_id: str, place: int) -> None:
    """Another place after an upgrade would move people in and out of the canary."""
    assert canary.place_of(thread_id) == place


def test_an_excluded_thread_asks_neither_redis_nor_zep(
    redis_server: RedisProcess, standin: StandIn, settings: Settings, announced: list[Event]
) -> None:
    thread_id = outside(settings)
    before = len(standin.log())
    redis_server.stop()  # asked for anything, it would be noticed

    context, meta = fetch_thread_context(thread_id)

    assert context is None
    assert meta == {"used": False, "mode": "read_write", "source": "local", "reason": "canary"}
    assert announced == []
    assert len(standin.log()) == before


async def test_what_the_cache_has_of_an_excluded_thread_is_not_used(
    redis_server: RedisProcess, standin: StandIn, settings: Settings
) -> None:
    thread_id = outside(settings)
    await context_cache.fill(thread_id, "summary", ThreadContext(facts=("It was here",)), "0")

    remembered = await remember(thread_id)

    assert (remembered.context, remembered.stale) == (None, None)
    settings.MEMORY_READ_PERCENT = 100
    assert (await remember(thread_id)).meta["cached"] is True


async def test_the_context_of_an_excluded_thread_is_not_read_ahead(
    redis_server: RedisProcess, standin: StandIn, settings: Settings
) -> None:
    thread_id = outside(settings)
    await context_cache.fill(thread_id, "summary", ThreadContext(facts=("It was here",)), "0")

    before = len(standin.log())

    await refresh_context(thread_id)

    assert len(standin.log()) == before
    assert (await context_cache.look_up(thread_id, "summary")).context is None, "another process may still read it"


@pytest.mark.django_db(transaction=True)
def test_what_is_said_in_an_excluded_thread_is_mirrored_all_the_same(
    redis_server: RedisProcess, standin: StandIn, settings: Settings, ayse: User
) -> None:
    thread_id = outside(settings)
    conversation.record(ThreadRef(ayse, thread_id), "Two bedrooms in Girne", uuid4())
    before = len(standin.log())

    assert mirror.drain(thread_id).mirrored == 1
    assert not [entry for entry in standin.log()[before:] if entry["method"] == "GET"], "nothing is read ahead"


@pytest.mark.django_db(transaction=True)
async def test_a_turn_of_an_excluded_thread_counts_as_excluded_and_not_as_failed(
    redis_server: RedisProcess, standin: StandIn, settings: Settings, announced: list[Event], ayse: User
) -> None:
    thread_id = outside(settings)
    record: Callable[..., Coroutine[Any, Any, Any]] = sync_to_async(conversation.record)
    await record(ThreadRef(ayse, thread_id), "Two bedrooms in Girne", uuid4())
    second = await record(ThreadRef(ayse, thread_id), "And a pool", uuid4())

    recalled = await recall(second)

    assert [event.context for event in announced if isinstance(event, TurnRemembered)] == ["excluded"]
    assert not [event for event in announced if isinstance(event, ContextRead | ReadBlocked)]
    assert recalled.meta["reason"] == "canary"
    assert "fallback" not in recalled.meta, "nothing failed"
    assert [message.text for message in recalled.recent] == ["Two bedrooms in Girne"]


@pytest.mark.parametrize(
    ("share", "reads", "ids"),
    [(0, True, ["memory.W001"]), (0, False, []), (10, True, []), (101, True, ["memory.E007"])],
)
def test_impossible_and_pointless_shares_are_told(settings: Settings, share: int, reads: bool, ids: list[str]) -> None:
    settings.MEMORY_READ_PERCENT, settings.FLAG_ZEP_READ = share, reads
    assert [message.id for check in checks.ALL for message in check()] == ids


def test_without_reads_the_share_is_of_no_account(
    redis_server: RedisProcess, standin: StandIn, settings: Settings
) -> None:
    settings.FLAG_ZEP_READ, settings.MEMORY_READ_PERCENT = False, 0
    _, meta = fetch_thread_context("t1")
    assert meta["reason"] == "disabled"
    loops.run(refresh_context("t1"))
