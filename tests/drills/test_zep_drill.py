"""`manage.py zep_drill`, as an operator and as a script use it."""

import io
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from assistant.drills import runs
from assistant.drills.catalogue import DRILLS
from assistant.models import DrillRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def talker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.drills.child.PROGRAM", "tests.drills.talker")


def zep_drill(*arguments: str) -> tuple[int, str]:
    """Its exit code and what it said."""
    said = io.StringIO()
    try:
        call_command("zep_drill", *arguments, stdout=said)
    except SystemExit as ended:
        return int(str(ended.code)), said.getvalue()
    return 0, said.getvalue()


def test_one_that_passes_ends_with_0_and_shows_its_steps() -> None:
    code, said = zep_drill("write_path")

    assert code == 0
    assert "PASS       1 ms  first" in said
    assert "expected: 1" in said
    assert "actual:   1" in said
    assert "write_path: passed in" in said


@pytest.mark.parametrize(("drill", "outcome"), [("auth_failure", "failed"), ("probe_backoff", "broken")])
def test_one_that_does_not_pass_ends_with_1(drill: str, outcome: str) -> None:
    code, said = zep_drill(drill, "--json", "--operator", "ayse")

    told: dict[str, Any] = json.loads(said)
    assert (code, told["drill"], told["outcome"], told["by"]) == (1, drill, outcome, "ayse")
    assert DrillRun.objects.get().outcome == outcome


def test_all_are_a_line_each_and_one_failure_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: DRILLS[name] for name in ("write_path", "auth_failure", "read_path")}
    monkeypatch.setattr("assistant.management.commands.zep_drill.DRILLS", few)

    code, said = zep_drill("all", "--json")

    assert code == 1
    assert [json.loads(line)["outcome"] for line in said.splitlines()] == ["passed", "failed", "passed"]
    assert zep_drill("all")[1].splitlines()[-1] == "2 of 3 drills passed"


def test_the_list_says_how_each_last_ended() -> None:
    zep_drill("auth_failure")

    lines = {told["drill"]: told for told in map(json.loads, zep_drill("--list", "--json")[1].splitlines())}
    assert list(lines) == list(DRILLS)
    assert lines["auth_failure"]["last"]["outcome"] == "failed"
    assert lines["write_path"]["last"] is None
    assert "last: failed" in zep_drill("--list")[1]


def test_it_waits_for_a_drill_that_is_under_way() -> None:
    other = runs.begin("read_path", "ayse")
    threading.Timer(1.0, DrillRun.objects.filter(pk=other.pk).update, kwargs={"outcome": "passed"}).start()

    assert zep_drill("write_path")[0] == 0


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.management.commands.zep_drill.LIMIT_SECONDS", 0.1)
    runs.begin("read_path", "ayse")

    with pytest.raises(CommandError, match="the drill read_path is under way"):
        zep_drill("write_path")


@pytest.mark.parametrize("arguments", [(), ("no_such_drill",)])
def test_bad_usage_is_named(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="drill"):
        zep_drill(*arguments)


def test_a_run_that_died_does_not_block_the_next() -> None:
    runs.begin("read_path", "ayse")
    DrillRun.objects.update(started_at=timezone.now() - runs.GIVEN_UP_AFTER - timedelta(seconds=1))

    assert zep_drill("write_path")[0] == 0
