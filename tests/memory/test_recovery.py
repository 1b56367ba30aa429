"""The control worker's tick: history, orders, state after a loss, and the only probe there is."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
import redis
from django.db import OperationalError
from pytest_django.fixtures import Settings

from assistant import loops
from assistant.events import Event, GuardInitialised, RecoveryStepFailed
from assistant.memory import guard, recovery, steering, transitions
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
from assistant.memory.guard import Kind
from assistant.memory.guard_scripts import FORCED_KEY, INITIALISED_KEY, TRANSITIONS_KEY
from assistant.memory.modes import MemoryMode
from assistant.memory.probe import probe_thread
from assistant.models import AuditEntry, ModeTransition
from assistant.redis_link import RedisDown
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.support.guarding import GuardInRedis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin")]


@pytest.fixture(autouse=True)
def _time_enough(settings: Settings) -> None:
    """A busy machine is no failing Zep."""
    settings.MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS = 1_000


def trip(guarded: GuardInRedis) -> None:
    loops.run(guard.report(Kind.AUTH, guarded.epoch))


def history() -> list[tuple[str, str, str]]:
    rows = ModeTransition.objects.exclude(epoch=None).order_by("epoch")
    return [(row.after, row.reason, row.by) for row in rows]


# The probe


def test_a_tick_without_a_hold_asks_zep_nothing(guarded: GuardInRedis, standin: StandIn) -> None:
    before = standin.last_n()

    assert recovery.tick() == "not_forced"
    assert standin.log(before) == []


def test_a_tick_before_the_hold_is_due_asks_zep_nothing(guarded: GuardInRedis, standin: StandIn) -> None:
    trip(guarded)
    before = standin.last_n()

    assert recovery.tick() == "not_due"
    assert standin.log(before) == []


def test_a_due_tick_makes_the_probes_session_reads_it_and_lets_reads_on(
    guarded: GuardInRedis, standin: StandIn
) -> None:
    trip(guarded)
    guarded.advance(300)

    assert recovery.tick() == "passed"
    assert guarded.reason == ""
    assert [message["content"] for message in standin.thread(probe_thread()).messages] == [
        "This message is read by the probe."
    ]


def test_the_second_probe_is_one_read(guarded: GuardInRedis, standin: StandIn) -> None:
    for _ in range(2):
        before = standin.last_n()
        trip(guarded)
        guarded.advance(300)
        recovery.tick()

    assert [(entry["method"], entry["status"]) for entry in standin.log(before)] == [("GET", 200)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 401},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429},
        {"kind": "hang"},
        {"kind": "drip"},
        {"kind": "garbage"},
        {"kind": "empty"},
        {"kind": "reset"},
        {"kind": "delay", "delay_ms": 1_500},
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_a_probe_passes_only_where_zep_gives_back_what_it_holds_in_time(
    guarded: GuardInRedis, standin: StandIn, fault: dict[str, object]
) -> None:
    trip(guarded)
    guarded.advance(300)
    assert recovery.tick() == "passed"  # the session is there
    trip(guarded)
    guarded.advance(300)
    standin.fault(**{"route": "read", **fault})  # type: ignore[arg-type]  # the table's fields

    assert recovery.tick() == "failed"
    assert guarded.reason == "probe_failed"


def test_a_zep_that_is_gone_fails_the_probe(guarded: GuardInRedis, standin: StandIn) -> None:
    trip(guarded)
    guarded.advance(300)
    standin.stop()
    try:
        assert recovery.tick() == "failed"
    finally:
        standin.start()


def test_connecting_has_a_time_of_its_own(guarded: GuardInRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = aiohttp.TCPConnector._create_connection
    slowly: list[float] = []

    async def connect_slowly(*arguments: Any) -> Any:
        slowly.append(time.monotonic())
        await asyncio.sleep(1.2)  # the probe's answer may take a second
        return await connect(*arguments)

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", connect_slowly)
    trip(guarded)
    guarded.advance(300)
    loops.run(loops.aclose())  # no connection is there

    assert recovery.tick() == "passed"
    assert slowly


def test_what_cannot_be_read_is_no_state(guarded: GuardInRedis) -> None:
    guarded.client.set(FORCED_KEY, '{"mode": "write_only", "until": 07}')

    assert effective_mode() is MemoryMode.WRITE_ONLY


def test_with_reads_switched_off_nothing_is_probed(guarded: GuardInRedis, standin: StandIn, settings: Settings) -> None:
    trip(guarded)
    guarded.advance(10_000)
    settings.FLAG_ZEP_READ = False
    before = standin.last_n()

    assert recovery.tick() == "not_due"
    assert standin.log(before) == []
    assert guarded.reason == "auth"


# History


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
    guarded.client.set(FORCED_KEY, value)
    assert effective_mode() is MemoryMode.WRITE_ONLY
    assert recovery.tick() == "not_due"

    assert clear_forced_mode() is True
    assert effective_mode() is MemoryMode.READ_WRITE


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
