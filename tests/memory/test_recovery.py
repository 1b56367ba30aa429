"""What the control worker's tick keeps: history, and the guard's state after a loss."""

import pytest
from django.db import OperationalError

from assistant.events import Event, GuardInitialised, RecoveryStepFailed
from assistant.memory import recovery, steering, transitions
from assistant.memory.flags import (
    clear_forced_mode,
    effective_mode,
    force_write_only,
)
from assistant.memory.guard_scripts import FORCED_MODE_KEY, INITIALISED_KEY, TRANSITIONS_KEY
from assistant.memory.modes import MemoryMode
from assistant.models import AuditEntry, ModeTransition
from tests.support.guarding import GuardInRedis, history, trip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin")]


def test_every_change_becomes_one_row_however_often_it_is_told(guarded: GuardInRedis) -> None:
    trip(guarded)
    told = guarded.client.lrange(TRANSITIONS_KEY, 0, -1)
    recovery.tick()
    guarded.client.rpush(TRANSITIONS_KEY, *told)  # the worker died before it dropped them
    guarded.advance(300)
    recovery.tick()
    recovery.tick()

    assert history() == [("forced", "auth", "guard"), ("open", "probe_passed", "probe")]
    assert guarded.client.llen(TRANSITIONS_KEY) == 0


# Loss of Redis


def test_a_hold_survives_the_loss_of_redis(guarded: GuardInRedis, announced: list[Event]) -> None:
    trip(guarded)
    recovery.tick()
    before = guarded.forced
    guarded.lose()
    assert effective_mode() is MemoryMode.WRITE_ONLY

    recovery.tick()

    assert GuardInitialised(is_forced=True) in announced
    assert before is not None
    assert guarded.forced is not None
    assert (guarded.forced.reason, guarded.forced.epoch) == ("auth", before.epoch)
    assert guarded.forced.until == pytest.approx(before.until, abs=0.01)


def test_an_empty_redis_without_a_history_starts_open(guarded: GuardInRedis) -> None:
    guarded.lose()

    recovery.tick()

    assert guarded.reason == ""
    assert effective_mode() is MemoryMode.READ_WRITE


def test_a_redis_that_went_back_in_time_is_brought_up_to_date(guarded: GuardInRedis) -> None:
    steering.force("maintenance", 600, by="ayse")
    recovery.tick()
    guarded.begin()  # a snapshot from before the order

    recovery.tick()

    assert guarded.reason == "maintenance"


def test_an_operators_clear_survives_the_loss_of_redis(guarded: GuardInRedis) -> None:
    trip(guarded)
    recovery.tick()
    clear_forced_mode(by="ayse")
    guarded.lose()
    guarded.advance(1)

    recovery.tick()

    assert guarded.reason == ""
    recovery.tick()
    assert history()[-1] == ("open", "cleared", "ayse")


def test_a_clear_calls_off_an_order_that_still_waits(guarded: GuardInRedis) -> None:
    guarded.client.delete(INITIALISED_KEY)
    assert force_write_only("maintenance", by="ayse") is False
    guarded.client.set(INITIALISED_KEY, 1)
    clear_forced_mode(by="ayse")

    recovery.tick()

    assert guarded.reason == ""


def test_an_order_is_carried_out_although_the_database_is_a_younger_one(guarded: GuardInRedis) -> None:
    force_write_only("first", by="ayse")
    clear_forced_mode(by="ayse")
    ModeTransition.objects.all().delete()

    assert force_write_only("second", by="ayse") is True
    assert guarded.reason == "second"


@pytest.mark.parametrize("by", ["", "x" * 151, "<!channel>", "two\nlines"])
def test_an_operators_name_that_is_none_is_refused_before_anything_is_changed(guarded: GuardInRedis, by: str) -> None:
    with pytest.raises(ValueError, match="operator"):
        force_write_only("drill", by=by)
    with pytest.raises(ValueError, match="operator"):
        clear_forced_mode(by=by)
    assert ModeTransition.objects.count() == AuditEntry.objects.count() == 0


def test_an_entry_that_cannot_be_read_keeps_nobody_from_recovering(guarded: GuardInRedis) -> None:
    guarded.client.rpush(TRANSITIONS_KEY, "not json", '{"epoch": 1}')
    trip(guarded)
    guarded.advance(300)

    assert recovery.tick() == "passed"
    assert guarded.client.llen(TRANSITIONS_KEY) == 0


def test_without_its_tables_the_guard_still_recovers(
    guarded: GuardInRedis, monkeypatch: pytest.MonkeyPatch, announced: list[Event]
) -> None:
    def down(*_: object) -> None:
        raise OperationalError

    trip(guarded)
    guarded.advance(300)
    for name in ("store", "latest", "open_orders"):
        monkeypatch.setattr(transitions, name, down)

    assert recovery.tick() == "passed"
    assert sum(isinstance(event, RecoveryStepFailed) for event in announced) == 4


@pytest.mark.parametrize("value", ["not json", "{}", '{"until": "soon"}', "[" * 100_000])
def test_a_hold_that_cannot_be_read_is_ended_by_an_operator(guarded: GuardInRedis, value: str) -> None:
    guarded.client.set(FORCED_MODE_KEY, value)
    assert effective_mode() is MemoryMode.WRITE_ONLY
    assert recovery.tick() == "not_due"

    assert clear_forced_mode() is True
    assert effective_mode() is MemoryMode.READ_WRITE
