"""The guard in a whole system: from a bad key to recovery, and what web processes read meanwhile. Ask Zep's log."""

import json
import subprocess
import sys
from typing import Any

import pytest

from assistant.memory.guard_scripts import FORCED_MODE_KEY, INITIALISED_KEY
from ops.waiting import PATIENCE_SECONDS, wait_until
from ops.zep_standin.process import ROOT
from tests.acceptance.system import System, new_id

FAST = {
    "MEMORY_DOWNGRADE_HOLD_SECONDS": "2",
    "MEMORY_PROBE_INTERVAL_SECONDS": "1",
    "MEMORY_DOWNGRADE_MAX_HOLD_SECONDS": "4",
}


def reads_by(system: System, caller: str, *, after: int = 0) -> list[dict[str, Any]]:
    """Whatever the process asked of Zep: the web asks nothing but for reading."""
    return [entry for entry in system.standin.log(after) if entry["caller"] == caller]


def memory_of(system: System, thread_id: str) -> dict[str, Any]:
    trace: dict[str, Any] = system.ayse.say("in girne", thread_id=thread_id)["trace"]["memory"]
    return trace


def is_forced(system: System) -> bool:
    with system.redis() as client:
        return bool(client.exists(FORCED_MODE_KEY))


def trip(system: System) -> str:
    """Let Zep refuse the key of one read; the thread that read."""
    thread_id = str(system.ayse.say("need a 2 bedroom")["thread_id"])
    system.standin.fault("status", route="read", status=401)
    assert memory_of(system, new_id())["source"] == "auth"
    wait_until(lambda: is_forced(system), "the guard to be forced")
    return thread_id


def test_a_refused_key_stops_reads_until_the_probe_finds_it_mended(system: System) -> None:
    system.configure(**FAST)
    system.start("web", "worker", "control", "beat")
    thread_id = trip(system)
    after = system.standin.last_n()
    forced = memory_of(system, thread_id)
    assert (forced["used"], forced["mode"], forced["source"]) == (False, "write_only", "write_only_forced")
    wait_until(lambda: reads_by(system, "control", after=after), "the probe to fail")
    assert system.web_metrics()['memory_mode_gauge{mode="write_only"}'] == 1

    system.standin.clear()
    wait_until(lambda: memory_of(system, thread_id)["used"], "reads to come back")

    wait_until(lambda: system.web_metrics()['memory_zep_recoveries_total{by="probe"}'] == 1, "the metrics to say so")
    metrics = system.web_metrics()
    assert metrics['memory_zep_downgrades_total{reason="auth"}'] == 1
    assert metrics['memory_zep_downgrades_total{reason="probe_failed"}'] >= 1
    assert metrics['memory_mode_gauge{mode="read_write"}'] == 1
    assert [entry["status"] for entry in reads_by(system, "web", after=after) if entry["status"] != 200] == []


def test_an_operators_probe_is_answered_by_the_control_worker_due_or_not(system: System) -> None:
    system.start("web", "control")
    assert probe(system) == (0, "not_forced")
    trip(system)
    assert probe(system) == (1, "failed")
    system.standin.clear()
    assert probe(system) == (0, "passed")

    assert not is_forced(system)
    metrics = system.metrics_of(system.control)
    assert {
        outcome: metrics[f'memory_probe_runs_total{{outcome="{outcome}"}}'] for outcome in ("failed", "passed")
    } == {
        "failed": 1,
        "passed": 1,
    }
    assert metrics["memory_guard_state_available"] == 1


def test_an_operators_probe_without_a_broker_says_so(system: System) -> None:
    system.broker.server.stop()

    assert probe(system) == (1, "")


def probe(system: System) -> tuple[int, str]:
    """The exit code of the command as a shell sees it, and what the probe came to."""
    command = [sys.executable, "manage.py", "zep_mode", "--probe", "--json"]
    done = subprocess.run(
        command, env=system.environment, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    return done.returncode, str(json.loads(done.stdout)["probe"]) if done.stdout else ""


def test_without_beat_the_hold_stays_however_long_and_no_web_process_reads(system: System) -> None:
    system.configure(**FAST)
    system.start("web", "control")
    thread_id = trip(system)
    system.standin.clear()
    after = system.standin.last_n()
    with system.redis() as client:  # long over
        held = json.loads(client.get(FORCED_MODE_KEY) or "")
        client.set(FORCED_MODE_KEY, json.dumps(held | {"until": 1.0}))

    traces = [memory_of(system, thread) for thread in (thread_id, thread_id, new_id(), new_id())]  # first turns, too

    assert {trace["source"] for trace in traces} == {"write_only_forced"}
    assert reads_by(system, "web", after=after) == []

    system.start("beat")
    wait_until(lambda: memory_of(system, thread_id)["used"], "reads to come back")
    assert reads_by(system, "control", after=after)


def test_the_control_worker_makes_a_lost_state_again_without_beat(system: System) -> None:
    system.configure(**FAST)
    system.start("web", "control")
    thread_id = str(system.ayse.say("need a 2 bedroom")["thread_id"])
    with system.redis() as client:
        client.flushall()

    wait_until(lambda: memory_of(system, thread_id)["used"], "reads to come back")
    with system.redis() as client:
        assert client.get(INITIALISED_KEY) not in (None, b"1")  # made by the control worker, not by this test's set-up


@pytest.mark.parametrize("how", ["emptied", "stopped"])
def test_without_its_state_nobody_reads_until_the_control_worker_has_made_it(system: System, how: str) -> None:
    system.configure(**FAST)
    system.start("web")
    thread_id = str(system.ayse.say("need a 2 bedroom")["thread_id"])
    assert memory_of(system, thread_id)["used"]
    after = system.standin.last_n()
    if how == "emptied":
        with system.redis() as client:
            client.flushall()
    else:
        system.broker.server.stop()

    traces = [memory_of(system, thread_id) for _ in range(3)]

    assert {(trace["used"], trace["reason"]) for trace in traces} == {(False, "state_unavailable")}
    assert reads_by(system, "web", after=after) == []

    if how == "stopped":
        system.broker.server.start()  # with its data: nobody has to make anything
    else:
        system.start("control")
    wait_until(lambda: memory_of(system, thread_id)["used"], "reads to come back")
