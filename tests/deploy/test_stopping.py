"""A process told to stop finishes what it has in hand and gives the rest back: nothing is lost, nothing comes twice."""

import signal
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from pytest_celery import CeleryTestSetup  # type: ignore[import-untyped]  # the plugin ships no type information

from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.acceptance.system import MIRROR_TASK, Json, System, assert_arrived_once_in_order, new_id

THREADS = 60  # more than a worker takes at once


@dataclass(frozen=True)
class InHand:
    """A turn whose read Zep lets wait."""

    thread_id: str
    client_msg_id: str
    answer: "Future[Json]"


def turn_in_hand(system: System, pool: ThreadPoolExecutor) -> InHand:
    """One that is not answered yet; another where the machine stood still while Zep let it wait."""

    def begun() -> list[InHand]:
        thread_id, told, before = new_id(), new_id(), system.standin.last_n()
        turn = InHand(thread_id, told, pool.submit(system.ayse.say, "Hello", thread_id=thread_id, client_msg_id=told))
        wait_until(lambda: [e for e in system.standin.log(before) if e["caller"] == "web"], "the read at Zep")
        return [] if turn.answer.done() else [turn]

    (turn,) = wait_until(begun, "a turn in hand")
    return turn


def test_a_web_process_told_to_stop_answers_the_turn_in_hand(system: System) -> None:
    system.start("web")
    system.standin.fault("delay", route="read", delay_ms=3000)
    with ThreadPoolExecutor() as pool:
        turn = turn_in_hand(system, pool)

        system.web.send(signal.SIGTERM)
        answer = turn.answer.result(timeout=PATIENCE_SECONDS)
        system.web.wait_until_ended(PATIENCE_SECONDS)

    assert answer["ok"]
    assert system.database.states(turn.thread_id) == ["pending", "pending"]
    with pytest.raises(httpx.ConnectError):
        system.ayse.post("Anybody there?")

    system.standin.clear()
    system.start("worker", "control", "web", "beat")
    system.wait_for_mirror(turn.thread_id, 2)
    assert_arrived_once_in_order(system, answer)


def test_a_turn_that_was_cut_off_all_the_same_is_told_again_and_happens_once(system: System) -> None:
    system.start("web")
    system.standin.fault("delay", route="read", delay_ms=3000)
    with ThreadPoolExecutor() as pool:
        turn = turn_in_hand(system, pool)
        system.web.kill()
        with pytest.raises(httpx.HTTPError):
            turn.answer.result(timeout=PATIENCE_SECONDS)

    system.standin.clear()
    system.start("web", "worker", "control", "beat")
    answer = system.ayse.say("Hello", thread_id=turn.thread_id, client_msg_id=turn.client_msg_id)

    system.wait_for_mirror(turn.thread_id, 2)
    assert_arrived_once_in_order(system, answer)


def test_a_worker_told_to_stop_gives_back_what_it_did_not_begin(system: System, celery_setup: CeleryTestSetup) -> None:
    system.configure(ZEP_WRITE_TIMEOUT_MS="60000")  # a write whose time is over is half done
    system.start("web")
    system.standin.fault("delay", route="write", delay_ms=1200)
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda _: system.ayse.say("Hello", thread_id=new_id()), range(THREADS)))
    for turn in turns:  # a busy web process does not wait for the broker: it may have left some to the sweep
        celery_setup.app.send_task(MIRROR_TASK, [turn["client_msg_id"]], queue="mirror")
    system.start("worker")
    wait_until(lambda: [e for e in system.standin.log() if e["caller"] == "worker"], "a write at Zep")

    system.worker.kill("SIGTERM")
    system.worker.process.wait_until_ended(PATIENCE_SECONDS)

    assert system.unacknowledged() == 0  # nothing waits for a visibility timeout
    assert system.queued("mirror") > 0
    assert set(system.database.states()) == {"mirrored", "pending"}  # nothing was left half done
    system.standin.clear()
    system.start("worker", "control", "beat")  # should writes have been late: a hold ends with the sweep
    for turn in turns:
        system.wait_for_mirror(turn["thread_id"], 2)
        assert_arrived_once_in_order(system, turn)


def test_a_control_worker_told_to_stop_leaves_its_ticks_to_the_next(system: System) -> None:
    system.start("control", "beat")
    system.control.kill("SIGTERM")
    system.control.process.wait_until_ended(PATIENCE_SECONDS)

    wait_until(lambda: system.queued("control"), "a tick that waits")
    system.start("control")

    wait_until(lambda: system.queued("control") == 0, "the tick to be taken")
