"""Nudges that are lost, repeated, out of order or taken by two workers: each message arrives once, in its order."""

from concurrent.futures import ThreadPoolExecutor

import httpx
from pytest_celery import CeleryTestSetup  # type: ignore[import-untyped]  # the plugin ships no type information

from ops.waiting import wait_until
from tests.acceptance.system import MIRROR_TASK, SWEEP_TASK, Json, System, assert_arrived_once_in_order, new_id


def turns_in_one_thread(system: System, count: int) -> list[Json]:
    thread_id = new_id()
    return [system.ayse.say(f"message {n}", thread_id=thread_id) for n in range(count)]


def test_nudges_in_reverse_order_and_each_twice_bring_each_message_once_in_order(
    system: System, celery_setup: CeleryTestSetup
) -> None:
    system.start("web")
    turns = turns_in_one_thread(system, 3)
    with system.redis() as redis:
        redis.delete("mirror")
    for turn in turns[::-1]:
        for _ in range(2):
            celery_setup.app.send_task(MIRROR_TASK, [turn["client_msg_id"]], queue="mirror")

    system.start("worker")

    system.wait_for_mirror(turns[0]["thread_id"], 6)
    system.wait_until_idle()
    assert_arrived_once_in_order(system, *turns)


def test_two_workers_with_the_same_nudges_bring_each_message_once_in_order(
    system: System, celery_setup: CeleryTestSetup
) -> None:
    system.start("web", "worker", "second_worker")
    system.standin.fault("delay", route="write", delay_ms=200)
    turns = turns_in_one_thread(system, 3)
    for turn in turns * 5:
        celery_setup.app.send_task(MIRROR_TASK, [turn["client_msg_id"]], queue="mirror")

    system.wait_for_mirror(turns[0]["thread_id"], 6)

    system.wait_until_idle()
    assert_arrived_once_in_order(system, *turns)
    assert len(set(system.sent_uuids(turns[0]["thread_id"]))) == len(system.sent_uuids(turns[0]["thread_id"])) == 6
    stats = wait_until(lambda: stats_of_both(celery_setup), "both workers to tell of themselves")
    assert sum(MIRROR_TASK in each["total"] for each in stats.values()) == 2


def stats_of_both(celery_setup: CeleryTestSetup) -> Json:
    stats = celery_setup.app.control.inspect(timeout=2).stats() or {}
    return stats if len(stats) == 2 else {}


def test_turns_that_lose_the_broker_are_answered_and_the_sweep_brings_them_to_zep(system: System) -> None:
    system.web.environment["ZEP_READ_BUDGET_MS"] = "3000"
    system.start("web", "worker", "control", "beat")
    system.standin.fault("hang", route="read", caller="web")
    thread_id = new_id()
    with ThreadPoolExecutor() as pool:
        under_way = pool.submit(system.ayse.say, "I need a 2 bedroom", thread_id=thread_id)
        system.wait_for_request("POST", "/sessions/search")
        system.broker.kill()
        first = under_way.result()

    second = system.ayse.say("in girne", thread_id=thread_id)

    assert [turn["trace"]["memory"]["reason"] for turn in (first, second)] == ["timeout", "state_unavailable"]
    assert second["reply"]["rich"]["search"] == {"place": "Girne", "bedrooms": 2}
    assert system.database.states(thread_id) == ["pending"] * 4
    system.broker.restart()
    system.wait_for_mirror(thread_id, 4)
    assert_arrived_once_in_order(system, first, second)


def test_a_message_whose_web_process_was_killed_is_mirrored_and_answered_when_it_is_sent_again(
    system: System, celery_setup: CeleryTestSetup
) -> None:
    system.web.environment |= {"ZEP_READ_BUDGET_MS": "20000", "WEB_CONCURRENCY": "2"}
    system.start("web", "worker", "control")
    system.standin.fault("hang", route="read", caller="web")
    said = {"message": "I need a 2 bedroom", "thread_id": new_id(), "client_msg_id": new_id()}
    with ThreadPoolExecutor() as pool:
        broken_off = pool.submit(system.ayse.post, **said)
        system.wait_for_request("POST", "/sessions/search")
        system.web.kill()
        assert isinstance(broken_off.exception(), httpx.TransportError)
    system.standin.clear()

    system.database.let_retries_come_due()
    celery_setup.app.send_task(SWEEP_TASK, queue="control")
    system.wait_for_mirror(said["thread_id"], 1)
    system.web.start()
    answer, again = system.ayse.say(**said), system.ayse.say(**said)

    assert (answer["replayed"], again) == (False, answer | {"replayed": True})
    system.wait_for_mirror(said["thread_id"], 2)
    assert_arrived_once_in_order(system, answer)
