"""What people get, and what arrives at Zep, when everything works: real web workers, Celery workers, Redis and HTTP."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict
from pytest_celery import CeleryTestSetup  # type: ignore[import-untyped]  # the plugin ships no type information

from ops.waiting import PATIENCE_SECONDS, wait_until
from ops.zep_standin.process import ROOT
from tests.acceptance.system import (
    AYSE,
    MEHMET,
    MIRROR_TASK,
    Json,
    System,
    assert_arrived_once_in_order,
    new_id,
    sent_ids,
)

PHONE, EMAIL = "0533 123 45 67", "ayse.y@example.com"
PEOPLE_WHO_RACE = 8


@pytest.fixture(autouse=True)
def _everything_runs(running_system: System) -> None:
    """Every test here talks to the whole system."""


def mirrored_turn(system: System, message: str, **more: str) -> Json:
    answer = system.ayse.say(message, **more)
    system.wait_for_mirror(answer["thread_id"], 2)
    return answer


def test_both_messages_of_a_turn_arrive_at_zep_redacted_in_order_and_once(system: System) -> None:
    turn = mirrored_turn(system, f"I need a 2 bedroom, call {PHONE} or write to {EMAIL}")

    assert_arrived_once_in_order(system, turn)
    held = system.standin.thread(turn["thread_id"])
    assert [message["role"] for message in held.messages] == ["user", "assistant"]
    assert held.contents == ["I need a 2 bedroom, call [PHONE] or write to [EMAIL]", turn["reply"]["text"]]
    assert held.uuids[0] == turn["message_id"]


def test_a_mirrored_row_says_when_and_what_was_redacted(system: System) -> None:
    turn = mirrored_turn(system, f"call {PHONE} or {EMAIL}")

    said, replied = system.database.messages(turn["thread_id"])

    assert said["redactions"] == {"phone": 1, "email": 1}
    assert replied["redactions"] == {}
    assert said["mirrored_at"] >= said["created_at"]
    assert (said["mirror_attempts"], said["mirror_error"], said["outgoing_parts"]) == (1, "", None)
    assert len(said["outgoing_sha256"]) == 64


def test_user_and_session_are_made_under_opaque_ids_before_the_first_message(system: System) -> None:
    start = system.standin.last_n()
    turn = mirrored_turn(system, "Hello")

    writes = [entry for entry in system.standin.log(start) if entry["caller"] == "worker" and entry["method"] == "POST"]

    thread = f"/api/v2/sessions/{turn['thread_id']}"
    assert [entry["path"] for entry in writes] == ["/api/v2/users", "/api/v2/sessions", f"{thread}/memory"]
    assert system.standin.thread(turn["thread_id"]).user_id == system.database.memory_id(AYSE)


def test_user_names_never_reach_zep(system: System) -> None:
    mirrored_turn(system, "Hello")

    known_to_zep = json.dumps([system.standin.log(), system.standin.threads()]).encode() + _data_of(system)

    assert not any(name.encode() in known_to_zep for name in (AYSE, MEHMET))


def _data_of(system: System) -> bytes:
    return b"".join(file.read_bytes() for file in system.standin.data.parent.iterdir())


def test_the_second_turn_is_answered_from_the_cache_that_the_worker_refreshed(system: System) -> None:
    first = mirrored_turn(system, "I need a 2 bedroom")
    with system.redis() as redis:
        wait_until(lambda: redis.get(f"mem:ctx:v1:{first['thread_id']}:summary"), "the worker to refresh the cache")
    start = system.standin.last_n()

    second = system.ayse.say("in girne", thread_id=first["thread_id"])

    memory = second["trace"]["memory"]
    assert (memory["used"], memory["source"], memory["cached"], memory["recent_count"]) == (True, "zep", True, 2)
    assert not [entry for entry in system.standin.log(start) if entry["caller"] == "web"]
    assert second["reply"]["rich"]["search"] == {"place": "Girne", "bedrooms": 2}
    system.wait_for_mirror(first["thread_id"], 4)
    assert_arrived_once_in_order(system, first, second)


def test_three_messages_build_one_search(system: System) -> None:
    turn = system.ayse.say("need a 2 bedroom")
    for message in ("in girne", "under 700 gbp"):
        turn = system.ayse.say(message, thread_id=turn["thread_id"])

    search = turn["reply"]["rich"]["search"]
    assert (search["bedrooms"], search["place"], search["max_price_gbp"]) == (2, "Girne", 700)
    homes = turn["reply"]["rich"]["recommendations"]
    assert homes
    assert all((home["bedrooms"], home["place"]) == (2, "Girne") and home["price_gbp"] <= 700 for home in homes)


def test_a_returning_person_is_remembered_in_a_new_thread_and_another_is_not_told(system: System) -> None:
    mirrored_turn(system, "I am looking for a 3 bedroom house to rent in Lapta")

    returned = system.ayse.say("show me some homes")
    stranger = system.mehmet.say("show me some homes")

    assumed = {each["slot"]: each["value"] for each in returned["reply"]["rich"]["assumed"]}
    assert (assumed["place"], assumed["bedrooms"]) == ("Lapta", 3)
    assert "Lapta" in returned["reply"]["text"]
    assert returned["trace"]["memory"]["facts_count"] > 0
    assert "Lapta" not in json.dumps(stranger["reply"])
    assert stranger["trace"]["memory"]["facts_count"] == 0


def test_identical_requests_racing_through_both_web_workers_give_one_message_and_equal_answers(system: System) -> None:
    def race() -> bool:
        """One round; whether both web workers took part in it."""
        body, before = {"client_msg_id": new_id()}, turns_by_web_worker(system)
        with ThreadPoolExecutor(PEOPLE_WHO_RACE) as pool:
            sent = [pool.submit(system.ayse.say, "2 bedroom in Girne", **body) for _ in range(PEOPLE_WHO_RACE)]
            answers = [each.result() for each in sent]
        assert len({json.dumps(answer | {"replayed": None}) for answer in answers}) == 1
        assert [answer["replayed"] for answer in answers].count(False) == 1
        system.wait_for_mirror(answers[0]["thread_id"], 2)
        assert_arrived_once_in_order(system, answers[0])
        return sum(turns > before.get(pid, 0) for pid, turns in turns_by_web_worker(system).items()) > 1

    wait_until(race, "a race in which both web workers ran")


def turns_by_web_worker(system: System) -> dict[str, float]:
    """How many requests each web process has answered, from the files in which they count."""
    files = Path(system.environment["LOCAL_DIR"], "prometheus").glob("web-*/counter_*.db")
    return {file.stem: _answered(file) for file in files}


def _answered(file: Path) -> float:
    values = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]  # not annotated there
    return sum(float(each[1]) for each in values if "assistant_requests_total" in each[0])


def test_a_second_web_process_of_the_same_port_refuses_and_spoils_no_metrics(system: System) -> None:
    system.ayse.say("Hello")
    before = turns_by_web_worker(system)

    second = subprocess.run(
        [sys.executable, "-m", "easy_islanders.serve"],
        cwd=ROOT,
        env=system.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert second.returncode == 1
    assert f"WEB_PORT: another web process of this LOCAL_DIR serves {system.environment['WEB_PORT']}" in second.stderr
    after = turns_by_web_worker(system)
    assert sum(before.values()) > 0
    assert all(after.get(worker, 0) >= turns for worker, turns in before.items())


def test_a_nudge_delivered_again_changes_nothing(system: System, celery_setup: CeleryTestSetup) -> None:
    turn = mirrored_turn(system, "Hello")
    rows, start = system.database.messages(turn["thread_id"]), system.standin.last_n()

    for _ in range(2):
        celery_setup.app.send_task(MIRROR_TASK, [turn["client_msg_id"]], queue="mirror")
    later = mirrored_turn(system, "Hello again")

    assert system.database.messages(turn["thread_id"]) == rows
    assert not system.requests("POST", f"{turn['thread_id']}/memory", after=start)
    assert_arrived_once_in_order(system, turn)
    assert_arrived_once_in_order(system, later)


def test_the_web_metrics_add_up_both_web_workers(system: System) -> None:
    def both_counted() -> bool:
        system.ayse.say("Hello")
        return sum(count > 0 for count in turns_by_web_worker(system).values()) > 1

    wait_until(both_counted, "both web workers to answer a turn")
    answered = len({row["client_msg_id"] for row in system.database.messages() if row["role"] == "user"})

    shown = {system.web_metrics()['assistant_requests_total{status="200"}'] for _ in range(6)}

    assert len(shown) == 1
    assert shown == {sum(turns_by_web_worker(system).values())}
    assert shown.pop() >= answered


def test_worker_and_control_serve_their_own_counters_and_the_same_backlog(system: System) -> None:
    before = system.metrics_of(system.worker)
    turn = mirrored_turn(system, f"call {PHONE}")
    wait_until(lambda: {*system.database.states()} == {"mirrored"}, "the backlog to be empty")

    worker, control, web = system.metrics_of(system.worker), system.metrics_of(system.control), system.web_metrics()

    redacted, added = (
        'memory_zep_redactions_total{field_type="phone"}',
        'memory_zep_write_attempts_total{op="add_messages"}',
    )
    assert (worker[redacted] - before[redacted], control[redacted]) == (1, 0)
    assert worker[added] > before[added]
    assert worker["memory_mirror_lag_seconds_count"] - before["memory_mirror_lag_seconds_count"] >= len(sent_ids(turn))
    assert {samples["memory_mirror_backlog"] for samples in (worker, control, web)} == {0}
    assert all(samples['memory_mode_gauge{mode="read_write"}'] == 1 for samples in (worker, control, web))
