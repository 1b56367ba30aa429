"""How long the guard waits, what it forgets, and who may no longer tell it anything."""

import pytest
from pytest_django.fixtures import Settings

from assistant.events import Event, GuardForced, ReadsPaused
from assistant.memory import guard
from assistant.memory.guard import Kind, Permit
from tests.memory.guard_events import (
    HOLD,
    LONGEST,
    WINDOW,
    auth_refused,
    due,
    fail,
    held,
    lately_recovered,
    operator_forces,
    probed,
    success,
)
from tests.support.guarding import GuardInRedis


async def test_failures_further_apart_than_the_window_do_not_add_up(guarded: GuardInRedis) -> None:
    await fail(guarded, 2)
    guarded.advance(WINDOW)
    await fail(guarded, 2)

    assert guarded.reason == ""


async def test_the_window_slides(guarded: GuardInRedis) -> None:
    await fail(guarded)
    guarded.advance(WINDOW - 1)
    await fail(guarded)
    guarded.advance(2)
    await fail(guarded)
    assert guarded.reason == ""

    await fail(guarded)

    assert guarded.forced is not None


async def test_each_failed_probe_doubles_the_hold_up_to_the_longest(guarded: GuardInRedis) -> None:
    await held(guarded)
    lengths = []
    for _ in range(6):
        guarded.advance((guarded.left or 0) + 1)
        await probed(guarded, passed=False, although_not_due=False)
        lengths.append(guarded.left)

    assert lengths == [600, 1200, 2400, LONGEST, LONGEST, LONGEST]
    assert guarded.forced is not None
    assert guarded.forced.probe_failures == 6
    assert guarded.counters()["downgrades:probe_failed"] == 6


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 540), (0.999999, 660)])
async def test_a_longer_hold_is_jittered_by_a_tenth(
    guarded: GuardInRedis, monkeypatch: pytest.MonkeyPatch, chance: float, seconds: int
) -> None:
    monkeypatch.setattr("random.random", lambda: chance)
    await due(guarded)

    await probed(guarded, passed=False, although_not_due=False)

    assert guarded.left == seconds


async def test_after_ten_healthy_minutes_a_hold_has_its_first_length_again(guarded: GuardInRedis) -> None:
    await lately_recovered(guarded)
    guarded.advance(600)

    await auth_refused(guarded)

    assert guarded.left == HOLD


async def test_an_operators_clear_forgets_earlier_probes(guarded: GuardInRedis) -> None:
    await lately_recovered(guarded)
    await auth_refused(guarded)
    await guard.clear("ayse")

    await auth_refused(guarded)

    assert guarded.left == HOLD


async def test_with_automatic_downgrade_off_it_is_counted_and_reads_go_on(
    guarded: GuardInRedis, announced: list[Event], settings: Settings
) -> None:
    settings.DISABLE_AUTO_DOWNGRADE = True

    await auth_refused(guarded)
    await auth_refused(guarded)
    guarded.advance(HOLD)
    await fail(guarded, 3)

    assert guarded.reason == ""
    assert guarded.counters() == {"shadow:auth": 1, "shadow:consecutive_failures": 1}
    assert [(e.reason, e.is_shadow) for e in announced if isinstance(e, GuardForced)] == [
        ("auth", True),
        ("consecutive_failures", True),
    ]


async def test_a_failure_ratio_spares_a_busy_cluster_three_unlucky_reads(
    guarded: GuardInRedis, settings: Settings
) -> None:
    settings.MEMORY_DOWNGRADE_MIN_FAILURE_RATIO = 0.5
    for _ in range(20):
        await success(guarded)

    await fail(guarded, 19)
    assert guarded.reason == ""
    await fail(guarded)

    assert guarded.forced is not None


async def test_below_twenty_reads_the_ratio_is_not_asked_for(guarded: GuardInRedis, settings: Settings) -> None:
    settings.MEMORY_DOWNGRADE_MIN_FAILURE_RATIO = 0.9
    for _ in range(16):
        await success(guarded)

    await fail(guarded, 3)

    assert guarded.forced is not None


async def test_reads_before_the_window_are_not_in_the_ratio(guarded: GuardInRedis, settings: Settings) -> None:
    settings.MEMORY_DOWNGRADE_MIN_FAILURE_RATIO = 0.5
    for _ in range(100):
        await success(guarded)
    guarded.advance(WINDOW + 1)

    await fail(guarded, 3)

    assert guarded.forced is not None


async def test_three_slow_reads_in_a_row_trip_where_that_is_asked_for(guarded: GuardInRedis) -> None:
    await guard.report(Kind.SLOW, guarded.epoch)
    await guard.report(Kind.SLOW, guarded.epoch)
    await success(guarded)
    for _ in range(2):
        await guard.report(Kind.SLOW, guarded.epoch)
    assert guarded.reason == ""

    await guard.report(Kind.SLOW, guarded.epoch)

    assert guarded.reason == "latency"


async def test_a_pause_is_jittered_bounded_and_never_shortened(guarded: GuardInRedis, announced: list[Event]) -> None:
    await guard.pause(None, guarded.epoch)
    await guard.pause(1, guarded.epoch)
    await guard.pause(100_000, guarded.epoch)

    assert [event.seconds for event in announced if isinstance(event, ReadsPaused)] == [10.5, 600]
    assert guarded.reason == ""


async def test_a_probe_that_outlived_its_hold_changes_nothing(guarded: GuardInRedis) -> None:
    await due(guarded)
    permit = await guard.begin_probe(reads_are_on=True)
    assert isinstance(permit, Permit)
    await operator_forces(guarded)

    assert await guard.end_probe(permit, passed=True) == "outlived"
    assert guarded.reason == "drill"


async def test_a_probe_that_outlived_its_lock_changes_nothing(guarded: GuardInRedis) -> None:
    await due(guarded)
    slow = await guard.begin_probe(reads_are_on=True)
    guarded.client.delete("mem:mode:probe_lock:v1")  # its time is over
    other = await guard.begin_probe(reads_are_on=True)
    assert isinstance(slow, Permit)
    assert isinstance(other, Permit)

    assert await guard.end_probe(slow, passed=True) == "outlived"
    assert guarded.forced is not None
    assert await guard.end_probe(other, passed=False) == "failed"


async def test_with_reads_switched_off_nothing_is_probed_and_the_hold_stays(guarded: GuardInRedis) -> None:
    await due(guarded)

    assert await guard.begin_probe(reads_are_on=False, although_not_due=True) == "not_due"
    assert guarded.forced is not None


async def test_a_read_under_way_when_the_guard_trips_changes_nothing(guarded: GuardInRedis) -> None:
    began_under = guarded.epoch
    await auth_refused(guarded)
    trips = guarded.forced

    for kind in Kind:
        await guard.report(kind, began_under)
    assert guarded.forced == trips

    guarded.advance(HOLD)
    await probed(guarded, passed=True, although_not_due=False)
    for _ in range(5):
        await guard.report(Kind.FAILURE, began_under)
    assert guarded.reason == ""


async def test_an_epoch_never_repeats_not_even_after_redis_was_lost(guarded: GuardInRedis) -> None:
    await auth_refused(guarded)
    before = int(guarded.epoch)
    guarded.lose()
    guarded.advance(1)
    await guard.initialise(0, None, 0)

    await auth_refused(guarded)

    assert int(guarded.epoch) > before
