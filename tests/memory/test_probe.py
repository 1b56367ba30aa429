"""The control worker's probe: the only one there is."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from pytest_django.fixtures import Settings

from assistant import loops
from assistant.memory import recovery
from assistant.memory.flags import (
    effective_mode,
)
from assistant.memory.guard_scripts import FORCED_MODE_KEY
from assistant.memory.modes import MemoryMode
from assistant.memory.probe import probe_thread
from ops.zep_standin.process import StandIn
from tests.support.guarding import GuardInRedis, trip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin")]


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
    guarded: GuardInRedis, standin: StandIn, settings: Settings, fault: dict[str, object]
) -> None:
    trip(guarded)
    guarded.advance(300)
    assert recovery.tick() == "passed"  # the session is there
    trip(guarded)
    guarded.advance(300)
    standin.fault(**{"route": "read", **fault})  # type: ignore[arg-type]  # the table's fields
    settings.MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS = 1_000

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


def test_connecting_has_a_time_of_its_own(
    guarded: GuardInRedis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = aiohttp.TCPConnector._create_connection
    slowly: list[float] = []

    async def connect_slowly(*arguments: Any) -> Any:
        slowly.append(time.monotonic())
        await asyncio.sleep(settings.MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS / 1000 + 0.2)
        return await connect(*arguments)

    settings.MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS = 3_000
    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", connect_slowly)
    trip(guarded)
    guarded.advance(300)
    loops.run(loops.aclose())  # no connection is there

    assert recovery.tick() == "passed"
    assert slowly


def test_what_cannot_be_read_is_no_state(guarded: GuardInRedis) -> None:
    guarded.client.set(FORCED_MODE_KEY, '{"mode": "write_only", "until": 07}')

    assert effective_mode() is MemoryMode.WRITE_ONLY


def test_with_reads_switched_off_nothing_is_probed(guarded: GuardInRedis, standin: StandIn, settings: Settings) -> None:
    trip(guarded)
    guarded.advance(10_000)
    settings.FLAG_ZEP_READ = False
    before = standin.last_n()

    assert recovery.tick() == "not_due"
    assert standin.log(before) == []
    assert guarded.reason == "auth"
