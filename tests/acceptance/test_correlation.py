"""One id from the answer's head through the turn's log line to the worker's."""

import json
from typing import Any

from ops.waiting import wait_until
from tests.acceptance.system import System


def lines(system: System, name: str, event: str, correlation_id: str) -> list[dict[str, Any]]:
    written = (system.folder / f"{name}.log").read_text(encoding="utf-8").splitlines()
    logged = [json.loads(line) for line in written if line.startswith("{")]
    return [each for each in logged if each["event"] == event and each.get("correlation_id") == correlation_id]


def test_a_request_and_the_task_it_led_to_log_under_one_id(running_system: System) -> None:
    first, second = (running_system.ayse.post("need a 2 bedroom").headers["x-correlation-id"] for _ in range(2))

    assert first != second
    (turn,) = lines(running_system, "web", "turn", first)
    (mirrored,) = wait_until(lambda: lines(running_system, "worker", "zep_mirror", first), "the worker's line")
    assert turn["thread_id"] == mirrored["thread_id"]
