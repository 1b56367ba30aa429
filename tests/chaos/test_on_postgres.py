"""Turns and mirror raced by real processes, on PostgreSQL and on SQLite alike."""

import uuid
from pathlib import Path

import pytest

from ops.free_port import free_port
from ops.waiting import wait_until
from tests.chaos.conftest import Json, Play
from tests.chaos.world import World
from tests.support.invariants import Expectations
from tests.support.processes import ChildProcess, answers_ok, command_of

IDENTICAL = ("identical_requests", "identical_requests_in_a_new_thread")
RACES = (*IDENTICAL, "new_thread_raced", "twenty_turns_in_one_thread", "lease_takeovers")


@pytest.fixture(scope="module")
def seen(play: Play) -> dict[str, Json]:
    """What the races have shown; one process plays them all, one after another."""
    return play(*RACES)


def failed(answers: list[Json]) -> list[Json]:
    return [answer for answer in answers if "error" in answer]


@pytest.mark.parametrize("scenario", IDENTICAL)
def test_identical_requests_racing_give_one_turn_and_equal_answers(seen: dict[str, Json], scenario: str) -> None:
    answers = seen[scenario]

    assert failed(answers) == []
    assert len({(answer["thread_id"], answer["reply"], answer["text"]) for answer in answers}) == 1
    assert [answer["replayed"] for answer in answers].count(False) == 1


def test_different_first_messages_of_a_new_thread_racing_are_all_answered(seen: dict[str, Json]) -> None:
    answers = seen["new_thread_raced"]

    assert failed(answers) == []
    assert len({answer["reply"] for answer in answers}) == len(answers) / 2


def test_twenty_turns_at_once_in_one_thread_are_all_answered(seen: dict[str, Json]) -> None:
    answers = seen["twenty_turns_in_one_thread"]

    assert failed(answers) == []
    assert len({answer["reply"] for answer in answers}) == 20


def test_a_worker_whose_thread_was_taken_over_changes_nothing(seen: dict[str, Json], world: World) -> None:
    assert [point for point, done in seen["lease_takeovers"].items() if done["failed"]] == []
    for done in seen["lease_takeovers"].values():
        assert len(world.standin.thread(done["thread_id"]).messages) == 6


@pytest.mark.usefixtures("seen")
def test_after_all_races_three_worker_processes_race_over_one_thread_and_the_invariants_hold(
    play: Play, world: World, tmp_path: Path
) -> None:
    workers = [worker(world, number, tmp_path) for number in range(3)]
    try:
        for each in workers:
            each.launch()
        for each in workers:
            each.wait_until_up()
        answers = play("twenty_turns_in_one_thread")["twenty_turns_in_one_thread"]
        wait_until(lambda: not world.waiting() or sweep(play, world), "everything to be mirrored")
    finally:
        for each in workers:
            each.kill()

    report = world.check(Expectations(), *(each.log for each in workers))
    assert report.ok, str(report)
    assert len(world.standin.thread(answers[0]["thread_id"]).messages) == 40


def sweep(play: Play, world: World) -> bool:
    world.time_passes()
    play("one_sweep")
    return not world.waiting()


def worker(world: World, number: int, folder: Path) -> ChildProcess:
    """A worker by the Procfile's line, with a name and a metrics port of its own."""
    port = str(free_port())
    command = [part.replace("worker@", f"worker{number}-{uuid.uuid4().hex[:6]}@") for part in command_of("worker")]
    address = f"http://127.0.0.1:{port}/metrics"
    environment = world.environment | {"WORKER_METRICS_PORT": port}
    return ChildProcess(f"worker{number}", command, environment, folder, lambda: answers_ok(address))
