"""Real reads of a real Zep under the guard: what counts against it, what does not, and who reads while it is forced."""

import asyncio

import pytest

from assistant.events import ContextRead, Event
from assistant.memory import context_cache
from assistant.memory.context import ContextMode
from assistant.memory.context_cache import CacheLookup
from assistant.memory.flags import CONSECUTIVE_FAILURES_KEY
from assistant.memory.service import fetch_thread_context_async
from ops.waiting import wait_until
from ops.zep_standin.process import StandIn
from tests.memory.guard_events import HOLD, held
from tests.support.background import in_the_background
from tests.support.guarding import GuardInRedis
from tests.support.timing import GOES


@pytest.mark.parametrize(
    ("fault", "reads", "reason"),
    [
        ({"kind": "status", "status": 401}, 1, "auth"),
        ({"kind": "status", "status": 403}, 1, "auth"),
        ({"kind": "status", "status": 500}, 3, "consecutive_failures"),
        ({"kind": "status", "status": 503}, 3, "consecutive_failures"),
        ({"kind": "status", "status": 408}, 3, "consecutive_failures"),
        ({"kind": "hang"}, 3, "consecutive_failures"),
        ({"kind": "drip"}, 3, "consecutive_failures"),
        ({"kind": "reset"}, 3, "consecutive_failures"),
        ({"kind": "garbage"}, 3, "consecutive_failures"),
        ({"kind": "huge"}, 3, "consecutive_failures"),
    ],
)
async def test_failed_reads_stop_reads_but_not_before_the_threshold(
    guarded: GuardInRedis, standin: StandIn, fault: dict[str, object], reads: int, reason: str
) -> None:
    standin.fault(**{"route": "read", **fault})  # type: ignore[arg-type]  # the table's fields
    timeout_ms = 1_000 if fault["kind"] in ("hang", "drip") else None
    for _ in range(reads - 1):
        await fetch_thread_context_async("t1", timeout_ms=timeout_ms)
        await in_the_background()
    assert guarded.reason == ""

    await fetch_thread_context_async("t1", timeout_ms=timeout_ms)
    await in_the_background()

    assert guarded.reason == reason


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422, 429])
async def test_a_refusal_of_what_was_asked_never_counts(guarded: GuardInRedis, standin: StandIn, status: int) -> None:
    standin.fault("status", route="read", status=status)

    for number in range(5):
        await fetch_thread_context_async(f"t{number}")
        await in_the_background()

    assert guarded.reason == ""
    assert guarded.client.get(CONSECUTIVE_FAILURES_KEY) is None


async def test_a_rate_limit_pauses_reads_for_as_long_as_zep_asks(guarded: GuardInRedis, standin: StandIn) -> None:
    standin.fault("status", route="read", status=429, retry_after="7", count=1)
    await fetch_thread_context_async("t1")
    await in_the_background()
    before = standin.last_n()

    _, meta = await fetch_thread_context_async("t2")

    assert (meta["used"], meta["mode"], meta["source"], meta["reason"]) == (
        False,
        "read_write",
        "local",
        "rate_limited",
    )
    assert meta["until"] == pytest.approx(guarded.now + 7 * 1.05, abs=0.01)
    assert standin.log(before) == []


async def test_a_read_that_this_process_began_too_late_never_counts(
    guarded: GuardInRedis, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = context_cache.look_up

    async def slowly(thread_id: str, mode: ContextMode) -> CacheLookup:
        await asyncio.sleep(0.15)
        return await look_up(thread_id, mode)

    monkeypatch.setattr(context_cache, "look_up", slowly)
    standin.fault("hang", route="read")

    for _ in range(5):
        _, meta = await fetch_thread_context_async("t1", timeout_ms=200)
        assert meta["reason"] == "timeout"
    await in_the_background()

    assert guarded.client.get(CONSECUTIVE_FAILURES_KEY) is None


async def test_a_read_that_was_cancelled_never_counts(
    guarded: GuardInRedis, standin: StandIn, announced: list[Event]
) -> None:
    standin.fault("hang", route="read")
    for _ in range(5):
        read = asyncio.create_task(fetch_thread_context_async("t1", timeout_ms=60_000))
        before = standin.last_n()
        await asyncio.to_thread(wait_until, lambda: standin.last_n() > before, "the read to arrive")  # noqa: B023  # now
        read.cancel()
        await asyncio.gather(read, return_exceptions=True)
    await in_the_background()

    assert guarded.client.get(CONSECUTIVE_FAILURES_KEY) is None
    assert not any(isinstance(event, ContextRead) for event in announced)


async def test_a_guard_that_cannot_be_told_of_failures_lets_this_process_read_no_more(
    guarded: GuardInRedis, standin: StandIn
) -> None:
    standin.fault("status", route="read", status=401)
    guarded.client.config_set("maxmemory", 1)  # reads are answered, writes refused
    try:
        await fetch_thread_context_async("t1")
        await in_the_background()
        before = standin.last_n()
        metas = [(await fetch_thread_context_async(f"t{n}"))[1] for n in range(20)]
    finally:
        guarded.client.config_set("maxmemory", 0)

    assert {meta["reason"] for meta in metas} == {"state_unavailable"}
    assert standin.log(before) == []


async def test_a_success_that_ends_after_a_failure_ends_the_streak_although_it_began_before(
    guarded: GuardInRedis, standin: StandIn
) -> None:
    await fetch_thread_context_async("warm")
    for number in range(GOES):
        guarded.begin()
        streak, was_overtaken = await two_fail_while_one_is_slow(guarded, standin, f"slow{number}")
        if was_overtaken:  # unless the machine stood still for longer
            break

    assert (streak, was_overtaken) == ("2", True)
    assert guarded.client.get(CONSECUTIVE_FAILURES_KEY) is None


async def two_fail_while_one_is_slow(guarded: GuardInRedis, standin: StandIn, thread_id: str) -> tuple[object, bool]:
    """The streak that the two make, and whether the slow one, which succeeds, was not over by then. All are over."""
    before = standin.last_n()
    standin.fault("delay", route="read", delay_ms=1_000, count=1)
    slow = asyncio.create_task(fetch_thread_context_async(thread_id))
    await asyncio.to_thread(wait_until, lambda: standin.last_n() > before, "the slow read to be under way")
    standin.fault("status", route="read", status=503, count=2)
    for number in range(2):
        await fetch_thread_context_async(f"{thread_id}-{number}")
    await in_the_background()
    streak, was_overtaken = guarded.client.get(CONSECUTIVE_FAILURES_KEY), not slow.done()
    await slow
    await in_the_background()
    return streak, was_overtaken


async def test_while_forced_zep_is_not_read_due_or_not(guarded: GuardInRedis, standin: StandIn) -> None:
    await held(guarded)
    before = standin.last_n()

    _, held_meta = await fetch_thread_context_async("t1")
    guarded.advance(10 * HOLD)
    _, due_meta = await fetch_thread_context_async("t1")

    until = guarded.forced.until if guarded.forced else None
    expected = {"used": False, "mode": "write_only", "source": "write_only_forced", "reason": "auth", "until": until}
    assert held_meta == due_meta == expected
    assert standin.log(before) == []


async def test_without_its_state_the_guard_lets_nobody_read(guarded: GuardInRedis, standin: StandIn) -> None:
    guarded.lose()
    before = standin.last_n()

    _, meta = await fetch_thread_context_async("t1")

    assert (meta["used"], meta["mode"], meta["reason"]) == (False, "write_only", "state_unavailable")
    assert standin.log(before) == []
