"""Workers that are killed or stopped while they talk to Zep: nothing is lost, nothing arrives twice."""

import pytest
from pytest_celery import CeleryTestSetup  # type: ignore[import-untyped]  # the plugin ships no type information

from tests.acceptance.system import SWEEP_TASK, System, assert_arrived_once_in_order, new_id


@pytest.mark.parametrize(("kind", "sendings"), [("hang", 2), ("store_then_hang", 1)])
def test_messages_whose_worker_was_killed_while_zep_hung_wait_for_its_lease_and_arrive_once(
    system: System, celery_setup: CeleryTestSetup, kind: str, sendings: int
) -> None:
    system.start("web", "worker", "control")
    thread_id = new_id()
    system.standin.fault(kind, route="write", path=f"/sessions/{thread_id}/memory", count=1)
    first = system.ayse.say("one", thread_id=thread_id)
    system.wait_for_request("POST", f"{thread_id}/memory")

    system.worker.kill()
    system.database.let_leases_last()
    in_dead_hands, start = system.unacknowledged(), system.standin.last_n()
    second = system.ayse.say("two", thread_id=thread_id)
    system.database.let_retries_come_due()
    celery_setup.app.send_task(SWEEP_TASK, queue="control")
    system.worker.restart()
    system.wait_until_idle(unacknowledged=in_dead_hands)

    assert not [entry for entry in system.standin.log(start) if entry["caller"] == "worker"]
    assert system.database.states(thread_id) == ["in_flight", "in_flight", "pending", "pending"]

    system.database.let_leases_end()
    celery_setup.app.send_task(SWEEP_TASK, queue="control")

    system.wait_for_mirror(thread_id, 4)
    assert_arrived_once_in_order(system, first, second)
    assert system.sent_uuids(thread_id).count(first["message_id"]) == sendings


def test_a_worker_told_to_stop_finishes_the_message_in_hand(system: System) -> None:
    system.start("web", "worker")
    thread_id = new_id()
    system.standin.fault("delay", route="write", path=f"/sessions/{thread_id}/memory", delay_ms=1000)
    turn = system.ayse.say("Hello", thread_id=thread_id)
    system.wait_for_request("POST", f"{thread_id}/memory")

    system.worker.kill("SIGTERM")
    system.worker.process.wait_until_ended()

    assert system.database.states(thread_id) == ["mirrored", "mirrored"]
    assert (system.queued("mirror"), system.unacknowledged()) == (0, 0)
    assert_arrived_once_in_order(system, turn)
