"""Many processes at once: one transition, one probe, and nobody the wiser who is cut off."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.db import connection

from assistant import loops
from assistant.memory import guard
from assistant.memory.guard import Kind
from assistant.memory.guard_scripts import FORCED_MODE_KEY
from assistant.memory.probe import probe_thread
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.support.guarding import GuardInRedis

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES = 32


def race(what: str, processes: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What each process saw, and every line that they logged."""
    environment = os.environ | {"PROCESS_ROLE": "web", "DATABASE_URL": database_url()}
    command = [sys.executable, "-m", "tests.memory.guard_race", what, str(processes)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
    lines = done.stdout.splitlines()
    (seen,) = [line for line in lines if line.startswith("SEEN ")]
    return json.loads(seen.removeprefix("SEEN ")), [json.loads(line) for line in lines if line.startswith("{")]


def database_url() -> str:
    """The address of the test's own database."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def make_due(redis_server: RedisProcess) -> None:
    """A hold whose time has come, by Redis's own clock."""
    loops.run(guard.report(Kind.AUTH, loops.run(guard.read_state()).epoch))
    forced = loops.run(guard.read_state()).forced
    assert forced is not None
    redis.Redis.from_url(redis_server.url).set(FORCED_MODE_KEY, replace(forced, until=1.0).to_json())


def onlooker(redis_server: RedisProcess) -> GuardInRedis:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return GuardInRedis(redis_server, monkeypatch)


def test_thirty_two_processes_that_fail_at_once_make_one_transition(redis_server: RedisProcess) -> None:
    seen, logged = race("fail", PROCESSES)

    assert len(seen) == PROCESSES
    assert [line["event"] for line in logged].count("memory_mode_forced") == 1
    assert [line["event"] for line in logged].count("zep_consecutive_failures_auto_downgrade") == 1
    assert onlooker(redis_server).counters() == {"downgrades:consecutive_failures": 1}
    assert len(loops.run(guard.unstored_transitions())) == 1


def test_eight_control_workers_at_once_make_one_probe(redis_server: RedisProcess, standin: StandIn) -> None:
    make_due(redis_server)
    assert race("tick", 1)[0][0]["saw"] == "passed"  # the probe's session is there
    make_due(redis_server)
    before = standin.last_n()

    seen, logged = race("tick", 8)

    assert [each["saw"] for each in seen].count("passed") == 1
    assert [(entry["method"], entry["path"]) for entry in standin.log(before)] == [
        ("GET", f"/api/v2/sessions/{probe_thread()}/memory")
    ]
    assert [line["event"] for line in logged].count("memory_mode_restored") == 1


def test_who_is_cut_off_from_redis_does_not_read_while_the_others_do(
    redis_server: RedisProcess, standin: StandIn
) -> None:
    before = standin.last_n()

    seen, _ = race("read", 8)

    cut_off = [each["saw"] for each in seen if each["cut_off"]]
    others = [each["saw"] for each in seen if not each["cut_off"]]
    assert [(meta["used"], meta["mode"], meta["reason"]) for meta in cut_off] == [
        (False, "write_only", "state_unavailable")
    ] * 4
    assert all(meta["used"] for meta in others)
    assert 1 <= len(standin.log(before)) <= 4


def test_a_process_whose_clock_is_wrong_sees_the_hold_as_everybody_does(
    redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops.run(guard.report(Kind.AUTH, loops.run(guard.read_state()).epoch))
    right = loops.run(guard.read_state())
    now = loops.run(guard.redis_now())

    for hours in (-2, 2):
        monkeypatch.setattr("time.time", lambda hours=hours: now + hours * 3600)
        assert loops.run(guard.read_state()) == right
        assert loops.run(guard.begin_probe(reads_are_on=True)) == "not_due"
