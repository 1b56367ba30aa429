"""The command against a system of real processes, which lose one part after another."""

import json
import subprocess
import sys
from typing import Any

from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.acceptance import fixtures
from tests.acceptance.system import System
from tests.support.processes import ROOT

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("function", web_workers=1)
ALL_DEAD_SECONDS = 15.0
INTERVAL = "1"  # heartbeats are late after four of it


def doctor(system: System, *options: str) -> tuple[int, dict[str, Any]]:
    ended = subprocess.run(
        [sys.executable, "manage.py", "memory_doctor", "--json", *options],
        cwd=ROOT,
        env=system.environment | {"MEMORY_PROBE_INTERVAL_SECONDS": INTERVAL},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def status_of(system: System, *options: str) -> dict[str, str]:
    """The worst status of each check."""
    _, told = doctor(system, *options)
    worst: dict[str, str] = {}
    for finding in told["findings"]:
        if worst.get(finding["check"]) != "failed":
            worst[finding["check"]] = finding["status"]
    return worst


def failures(system: System) -> set[str]:
    return {check for check, status in status_of(system).items() if status == "failed"}


def test_a_system_loses_one_part_after_another_and_the_doctor_names_each(system: System) -> None:
    system.configure(MEMORY_PROBE_INTERVAL_SECONDS=INTERVAL)
    system.start("worker", "control", "beat")
    wait_until(lambda: not failures(system), "a system in which nothing fails")
    code, told = doctor(system, "--zep")
    assert code == 0, told
    assert told["status"] == "warning", "one Redis for both roles"
    assert {"check": "zep", "status": "ok", "found": "It answers, and takes the key.", "do": ""} in told["findings"]

    system.beat.kill()
    wait_until(
        lambda: failures(system) == {"beat heartbeat", "control heartbeat", "probe heartbeat"},
        "beat to be missed",
    )

    system.worker.kill()
    wait_until(
        lambda: failures(system) >= {"queue mirror", "queue archive", "queue default"},
        "the worker to be missed",
    )
    assert "queue control" not in failures(system)

    system.broker.server.stop()
    system.control.kill()
    system.standin.close()
    code, told = doctor(system, "--zep")
    assert code == 1
    assert told["seconds"] < ALL_DEAD_SECONDS
    named = {finding["check"] for finding in told["findings"] if finding["status"] == "failed"}
    assert named >= {"redis state", "redis cache", "broker", "heartbeats", "zep"}


def test_everything_that_hangs_is_told_in_time(system: System) -> None:
    system.standin.fault(route="read", kind="hang")
    system.broker.server.freeze()
    try:
        code, told = doctor(system, "--zep")
    finally:
        system.broker.server.thaw()
    assert code == 1
    assert told["seconds"] < ALL_DEAD_SECONDS
    named = {finding["check"] for finding in told["findings"] if finding["status"] == "failed"}
    assert named >= {"redis state", "redis cache", "broker", "heartbeats", "zep"}
