"""Seeded runs with kills and faults, after which the invariants hold: a few by default, a hundred with `-m chaos`.

`CHAOS_RUNS=8/2` makes that 8 driven by barriers and 2 with real processes. The same by the command line, with a line
for each run: `python -m tests.chaos.run --barrier 80 --processes 20`.
"""

import os

import pytest

from tests.chaos import run
from tests.chaos.run import Databases, Job, line

BARRIER_RUNS, PROCESS_RUNS = os.environ.get("CHAOS_RUNS", "80/20").split("/")
MESSAGES = 200


def assert_nothing_is_wrong(job: Job, databases: Databases) -> None:
    outcome = run.run(job, databases)
    assert "failed" not in outcome, outcome["failed"]
    assert outcome["where"] == [], line(job, outcome)
    assert outcome["counts"]["accepted"] == job.messages


def test_whatever_dies_or_fails_each_message_arrives_once_in_order(sqlite_databases: Databases) -> None:
    assert_nothing_is_wrong(Job("barrier", 1_001, MESSAGES, on_postgres=False), sqlite_databases)


def test_the_same_on_postgresql(postgres_databases: Databases) -> None:
    assert_nothing_is_wrong(Job("barrier", 1_002, MESSAGES, on_postgres=True), postgres_databases)


def test_workers_killed_and_the_broker_lost_under_load_cost_no_message(postgres_databases: Databases) -> None:
    assert_nothing_is_wrong(Job("processes", 1_003, MESSAGES, on_postgres=True), postgres_databases)


@pytest.mark.chaos
@pytest.mark.timeout(3 * 3600)
@pytest.mark.usefixtures("postgres_cluster")
def test_a_hundred_runs_of_five_hundred_messages(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        assert run.main(["--barrier", BARRIER_RUNS, "--processes", PROCESS_RUNS, "--messages", "500"]) == 0
