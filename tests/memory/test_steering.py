"""Operators' orders to the guard, and the names by which others use it."""

import pytest
import redis

from assistant.memory import recovery, steering
from assistant.memory.flags import (
    acquire_probe_lock,
    clear_forced_mode,
    effective_mode,
    force_write_only,
    get_forced_mode,
    increment_consecutive_failures,
    release_probe_lock,
    reset_consecutive_failures,
)
from assistant.memory.guard_scripts import INITIALISED_KEY
from assistant.memory.modes import MemoryMode
from assistant.models import AuditEntry, ModeTransition
from assistant.redis_link import RedisDown
from ops.redis_process import RedisProcess
from tests.support.guarding import GuardInRedis, history

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin")]


# Operators


def test_an_order_given_while_redis_is_down_is_carried_out_when_it_is_back(
    guarded: GuardInRedis, redis_server: RedisProcess
) -> None:
    redis_server.stop()
    assert force_write_only("maintenance", 600, by="ayse") is False
    redis_server.start()
    while True:  # the link leaves a failing Redis alone for a moment
        try:
            recovery.tick()
            break
        except RedisDown:
            continue

    assert guarded.reason == "maintenance"
    recovery.tick()
    assert history() == [("forced", "maintenance", "ayse")]


def test_an_order_is_carried_out_once(guarded: GuardInRedis) -> None:
    steering.force("maintenance", 600, by="ayse")
    clear_forced_mode(by="mehmet")
    recovery.tick()  # it finds the order's row without an epoch, and Redis that has carried it out

    assert guarded.reason == ""
    assert history() == [("forced", "maintenance", "ayse"), ("open", "cleared", "mehmet")]


def test_a_later_order_wins_over_one_that_was_late(guarded: GuardInRedis) -> None:
    guarded.client.delete(INITIALISED_KEY)
    steering.force("first", 600, by="ayse")
    guarded.client.set(INITIALISED_KEY, 1)
    steering.force("second", 600, by="mehmet")

    recovery.tick()

    assert guarded.reason == "second"
    assert ModeTransition.objects.get(reason="first").is_superseded


def test_a_hold_without_an_end_ends_by_an_operator_only(guarded: GuardInRedis) -> None:
    force_write_only("maintenance", 0, by="ayse")
    recovery.tick()
    guarded.lose()
    recovery.tick()
    guarded.advance(1_000_000)
    recovery.tick()
    assert guarded.reason == "maintenance"

    assert clear_forced_mode(by="ayse") is True
    assert guarded.reason == ""


@pytest.mark.parametrize("reason", ["", "x" * 65, "call 0533 123 45 67", "line\nbreak", "<b>"])
def test_a_reason_that_is_none_is_refused(guarded: GuardInRedis, reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        force_write_only(reason)
    assert guarded.reason == ""


@pytest.mark.parametrize("seconds", [-1, 30 * 24 * 3600 + 1])
def test_an_impossible_hold_is_refused(guarded: GuardInRedis, seconds: int) -> None:
    with pytest.raises(ValueError, match="ttl"):
        force_write_only("drill", seconds)


def test_orders_are_audited_with_the_operators_name(guarded: GuardInRedis) -> None:
    steering.force("drill", 60, by="ayse")
    steering.clear(by="mehmet")
    steering.reset_failures(by="mehmet")

    entries = AuditEntry.objects.order_by("id").values_list("actor", "action")
    assert list(entries) == [("ayse", "guard.force"), ("mehmet", "guard.clear"), ("mehmet", "guard.reset_failures")]


# The names that others rely on


def test_the_flags_steer_the_guard(guarded: GuardInRedis) -> None:
    assert get_forced_mode() is None
    assert [increment_consecutive_failures() for _ in range(2)] == [1, 2]
    reset_consecutive_failures()
    assert [increment_consecutive_failures() for _ in range(3)] == [1, 2, 3]

    forced = get_forced_mode()
    assert forced is not None
    assert forced.reason == "consecutive_failures"
    assert clear_forced_mode() is True
    assert clear_forced_mode() is False
    assert effective_mode() is MemoryMode.READ_WRITE


def test_the_probe_lock_is_for_one(guarded: GuardInRedis) -> None:
    assert acquire_probe_lock() is True
    assert acquire_probe_lock() is False


def test_the_probe_lock_is_given_back_by_its_holder_only(guarded: GuardInRedis, redis_server: RedisProcess) -> None:
    acquire_probe_lock()
    redis.Redis.from_url(redis_server.url).set("mem:mode:probe_lock:v1", "another")

    assert release_probe_lock() is False


def test_the_probe_lock_is_free_once_given_back(guarded: GuardInRedis) -> None:
    acquire_probe_lock()

    assert release_probe_lock() is True
    assert acquire_probe_lock() is True
