"""How long a process that died waits for its next start."""

import pytest

from ops.launcher.restarts import HEALTHY_SECONDS, LONGEST_WAIT_SECONDS, Ended, Restarts, wait_after


def waits(*lives: float) -> list[float]:
    """How long each start waits, after lives of so many seconds one after another."""
    restarts, now, waited = Restarts(), 1_000.0, []
    for lived in lives:
        (restart,) = restarts.note([Ended("web", now, now + lived)], now + lived)
        waited.append(restart.due - now - lived)
        now = restart.due
    return waited


def test_the_first_death_costs_no_wait_each_further_one_twice_the_last() -> None:
    assert waits(20, 20, 20, 20) == [0, 1, 2, 4]


def test_a_minute_of_health_ends_the_row() -> None:
    assert waits(20, 20, 20, HEALTHY_SECONDS, 20) == [0, 1, 2, 0, 1]


@pytest.mark.parametrize("deaths", [10, 10_000])
def test_nobody_waits_longer_than_half_a_minute(deaths: int) -> None:
    assert wait_after(deaths) == LONGEST_WAIT_SECONDS == 30


def test_one_death_that_is_seen_twice_counts_once() -> None:
    restarts, ended = Restarts(), Ended("web", 0, 20)

    assert len(restarts.note([ended], 20)) == 1
    assert restarts.note([ended], 20) == []


def test_each_process_waits_for_itself() -> None:
    restarts = Restarts()
    restarts.note([Ended("web", 0, 20)], 20)
    ended = [Ended("web", 20, 40), Ended("worker", 0, 40)]

    restarts.note(ended, 40)

    assert restarts.due(ended, now=40) == ["worker"]
    assert restarts.due(ended, now=41) == ["web", "worker"]
