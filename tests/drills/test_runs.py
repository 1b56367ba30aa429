"""Rows of drills: one at a time over the cluster, the newest kept, and what metrics and the schedule make of them."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from assistant.drills import rehearsal, runs
from assistant.drills.catalogue import DRILLS, Step
from assistant.drills.child import END_SECONDS
from assistant.drills.events import DrillEnded, DrillSkipped
from assistant.events import Event
from assistant.models import DrillRun
from assistant.monitoring.drill_collector import drills
from tests.support.processes import ROOT
from tests.support.timing import is_ever_within
from workers.drills import run_drill

pytestmark = pytest.mark.django_db(transaction=True)
Outcome = DrillRun.Outcome


def ended(drill: str, outcome: Outcome, *, minutes_ago: float = 0) -> DrillRun:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return DrillRun.objects.create(drill=drill, outcome=outcome, started_at=at, finished_at=at, host="h", by="b")


def test_a_second_drill_does_not_begin_while_one_runs() -> None:
    runs.begin("write_path", "ayse")

    with pytest.raises(runs.AnotherDrillRuns, match="write_path"):
        runs.begin("read_path", "mehmet")
    assert DrillRun.objects.count() == 1


def test_the_next_begins_when_one_has_ended() -> None:
    runs.end(runs.begin("write_path", "ayse"), Outcome.PASSED, [Step("a", "b", "c", 1.0, ok=True)])

    runs.begin("read_path", "mehmet")

    first = DrillRun.objects.get(drill="write_path")
    assert (first.outcome, first.steps) == (
        "passed",
        [{"name": "a", "expected": "b", "actual": "c", "ms": 1.0, "ok": True}],
    )


def test_a_run_whose_process_died_is_given_up_and_stays_broken() -> None:
    dead = runs.begin("write_path", "ayse")
    DrillRun.objects.update(started_at=timezone.now() - runs.GIVEN_UP_AFTER - timedelta(seconds=1))

    runs.begin("read_path", "mehmet")
    runs.end(dead, Outcome.PASSED, [])  # it was not dead, only late

    assert DrillRun.objects.get(pk=dead.pk).outcome == "broken"


def test_only_the_newest_runs_and_the_last_success_are_kept() -> None:
    success = ended("write_path", Outcome.PASSED, minutes_ago=99)
    failures = [ended("write_path", Outcome.FAILED, minutes_ago=ago) for ago in (5, 4, 3)]
    other = ended("read_path", Outcome.FAILED, minutes_ago=999)

    assert runs.prune("write_path", keep=2) == 1

    assert set(DrillRun.objects.all()) == {success, *failures[1:], other}


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.BROKEN])
def test_the_metrics_tell_the_last_success_and_a_failure_after_it(outcome: Outcome) -> None:
    success = ended("write_path", Outcome.PASSED, minutes_ago=9)
    ended("write_path", outcome, minutes_ago=5)
    ended("read_path", outcome, minutes_ago=9)
    ended("read_path", Outcome.PASSED, minutes_ago=5)
    runs.begin("read_path", "ayse")  # one that is under way says nothing yet

    samples = {(each.name, each.labels.get("drill")): each.value for family in drills() for each in family.samples}

    assert success.finished_at is not None
    last_success, failed = "memory_drill_last_success_timestamp_seconds", "memory_drill_failed"
    assert samples[last_success, "write_path"] == pytest.approx(success.finished_at.timestamp())
    assert (samples[failed, "write_path"], samples[failed, "read_path"]) == (1, 0)
    assert samples["memory_drills_scheduled", None] == 0


def test_every_series_exists_before_the_first_drill() -> None:
    samples = [(each.name, each.labels, each.value) for family in drills() for each in family.samples]

    for name in ("memory_drill_last_success_timestamp_seconds", "memory_drill_failed"):
        assert [(n, labels["drill"], value) for n, labels, value in samples if n == name] == [
            (name, drill, 0) for drill in DRILLS
        ]


def test_an_unknown_drill_is_no_drill() -> None:
    with pytest.raises(ValueError, match=r"^drill: one of write_path, "):
        rehearsal.carry_out("no_such", by="ayse")


@pytest.fixture
def child_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drill's process is what other tests are about."""
    monkeypatch.setattr("assistant.drills.child.PROGRAM", "tests.drills.talker")


@pytest.mark.usefixtures("child_says")
def test_the_schedule_runs_a_drill_and_announces_how_it_ended(announced: list[Event]) -> None:
    run_drill("auth_failure")

    row = DrillRun.objects.get()
    assert (row.drill, row.outcome, row.by, len(row.steps)) == ("auth_failure", "failed", "schedule", 2)
    assert [(e.drill, e.outcome, e.failed_step) for e in announced if isinstance(e, DrillEnded)] == [
        ("auth_failure", "failed", "second")
    ]


@pytest.mark.usefixtures("child_says")
def test_a_drill_that_its_operator_ends_is_stopped_at_once_and_says_nothing() -> None:
    def press_ctrl_c(_: Step) -> None:
        raise KeyboardInterrupt

    def carry_out() -> None:
        with pytest.raises(KeyboardInterrupt):
            rehearsal.carry_out("dark_launch", by="ayse", tell=press_ctrl_c)

    assert is_ever_within(END_SECONDS, carry_out), "it waited for it"
    assert set(DrillRun.objects.values_list("outcome", flat=True)) == {"stopped"}
    assert not DrillRun.objects.filter(finished_at=None).exists()
    assert runs.standings() == {}


def test_the_schedule_leaves_a_drill_that_ran_lately(announced: list[Event]) -> None:
    ended("auth_failure", Outcome.FAILED, minutes_ago=29)

    run_drill("auth_failure")

    assert announced == [DrillSkipped("auth_failure", "ran_lately")]
    assert DrillRun.objects.count() == 1


def test_the_schedule_does_not_wait_for_another_drill(announced: list[Event]) -> None:
    runs.begin("write_path", "ayse")

    run_drill("auth_failure")

    assert announced == [DrillSkipped("auth_failure", "another_runs")]


@pytest.mark.parametrize(("enabled", "scheduled"), [("true", sorted(DRILLS)), ("false", [])])
def test_beat_schedules_each_at_a_minute_of_its_own_where_the_settings_say_so(
    enabled: str, scheduled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLS_ENABLED", enabled)
    ask = (
        "from django.conf import settings as s\n"
        "for e in s.CELERY_BEAT_SCHEDULE.values():\n"
        "    if 'drill' in e['task']: print(e['args'][0], *e['schedule'].minute, e['task'])"
    )
    command = [
        sys.executable,
        "-c",
        f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'easy_islanders.settings'\n{ask}",
    ]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    lines = [line.split() for line in done.stdout.splitlines()]
    assert sorted(drill for drill, *_ in lines) == scheduled
    minutes = [int(minute) for _, minute, _ in lines]
    assert len(set(minutes)) == len(minutes)
    assert {task for *_, task in lines} <= {"workers.drills.run_drill"}
