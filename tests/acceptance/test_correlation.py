"""One id from the answer's head through the turn's log line to the worker's, also where a task comes again."""

import json
from typing import Any

import httpx
from pytest_celery import CeleryTestSetup  # type: ignore[import-untyped]  # the plugin ships no type information

from ops.waiting import wait_until
from tests.acceptance.system import SWEEP_TASK, System, new_id

Line = dict[str, Any]


def lines(system: System, name: str, event: str, **fields: str) -> list[Line]:
    """The process's lines of that event with these fields, oldest first."""
    written = (system.folder / f"{name}.log").read_text(encoding="utf-8").splitlines()
    logged = [json.loads(line) for line in written if line.startswith("{")]
    return [line for line in logged if line["event"] == event and fields.items() <= line.items()]


def test_a_request_and_the_task_it_led_to_log_under_one_id(running_system: System) -> None:
    first, second = (running_system.ayse.post("need a 2 bedroom").headers["x-correlation-id"] for _ in range(2))

    assert first != second
    (turn,) = lines(running_system, "web", "turn", correlation_id=first)
    (mirrored,) = wait_until(
        lambda: lines(running_system, "worker", "zep_mirror", correlation_id=first), "the worker's line"
    )
    assert turn["thread_id"] == mirrored["thread_id"]


def test_a_task_that_has_to_come_again_keeps_the_requests_id(running_system: System) -> None:
    system, thread_id = running_system, new_id()
    system.standin.fault("status", route="write", path=f"/sessions/{thread_id}/memory", status=400, count=2)

    answer = system.ayse.post("need a 2 bedroom", thread_id=thread_id)

    wait_until(
        lambda: lines(system, "worker", "zep_mirror", thread_id=thread_id, result="mirrored"), "the second attempt"
    )
    told = lines(system, "worker", "zep_mirror", thread_id=thread_id)
    assert len(system.requests("POST", f"{thread_id}/memory")) > 2
    assert {line["correlation_id"] for line in told} == {answer.headers["x-correlation-id"]}


def test_what_the_sweep_finds_goes_on_under_the_sweeps_id(
    running_system: System, celery_setup: CeleryTestSetup
) -> None:
    system, thread_id = running_system, new_id()
    system.worker.kill()
    system.ayse.say("hello", thread_id=thread_id)
    with system.redis() as redis:
        redis.delete("mirror")
    system.database.let_retries_come_due()
    celery_setup.app.send_task(SWEEP_TASK, queue="control")
    swept = wait_until(lambda: lines(system, "control", "sweep"), "the sweep's line")
    system.worker.restart()

    (mirrored,) = wait_until(lambda: lines(system, "worker", "zep_mirror", thread_id=thread_id), "the worker's line")
    assert mirrored["correlation_id"] in {line["correlation_id"] for line in swept}


def test_every_answer_names_its_id(running_system: System) -> None:
    for path in ("/healthz", "/nothing", "/api/chat/"):
        assert len(httpx.get(f"{running_system.web_url}{path}", trust_env=False).headers["x-correlation-id"]) == 32
