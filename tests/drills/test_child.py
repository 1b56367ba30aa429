"""The process of a drill: what it is given, what is made of what it says, and that nothing of it is left."""

import tempfile
from pathlib import Path

import pytest

from assistant.drills import child
from assistant.drills.catalogue import DRILLS, Step
from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.support.processes import ROOT
from tests.support.processes_of import processes_of

SECRETS = ("DATABASE_URL", "REDIS_URL", "ZEP_API_KEY", "SECRET_KEY", "METRICS_TOKEN", "MEMORY_ALERT_WEBHOOK_URL")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a drill keeps everything."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def talker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "PROGRAM", "tests.drills.talker")


def run(drill: str, limit_seconds: float = PATIENCE_SECONDS) -> child.Told:
    heard: list[Step] = []
    told = child.run(drill, heard.append, limit_seconds=limit_seconds)
    assert heard == told.steps
    return told


@pytest.mark.usefixtures("talker")
@pytest.mark.parametrize(
    ("drill", "outcome", "steps"),
    [("write_path", "passed", 1), ("auth_failure", "failed", 2), ("read_path", "passed", 1)],
)
def test_what_it_says_is_what_is_known(drill: str, outcome: str, steps: int) -> None:
    told = run(drill)

    assert (told.outcome, len(told.steps)) == (outcome, steps)


@pytest.mark.usefixtures("talker")
@pytest.mark.parametrize(
    ("drill", "seconds", "actual"),
    [("mode_status", PATIENCE_SECONDS, "it ended: ValueError"), ("dark_launch", 4.0, "it did not end within 4 s")],
)
def test_one_that_never_says_how_it_ended_is_broken(drill: str, seconds: float, actual: str) -> None:
    told = run(drill, seconds)

    assert told.outcome == "broken"
    assert (told.steps[-1].actual, told.steps[-1].ok) == (actual, False)


def test_one_that_takes_too_long_is_killed_with_all_it_started(folder: Path) -> None:
    told = run("write_outage", limit_seconds=4.0)  # in the middle of it, or of starting its servers

    assert told.outcome == "broken"
    wait_until(lambda: not processes_of(folder), "all that it started to end")
    assert list(folder.iterdir()) == []


def test_it_is_given_no_address_and_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "production's")
    monkeypatch.setenv("PII_REDACT_EMAIL", "false")

    given = child.environment(str(folder))

    assert "production's" not in given.values()
    assert (given["PII_REDACT_EMAIL"], given["TMPDIR"]) == ("false", str(folder))


def test_every_drill_is_a_module() -> None:
    ours = {path.stem for path in (ROOT / "ops" / "drills").glob("*.py")}

    assert set(DRILLS) <= ours
    assert ours - set(DRILLS) == {"__init__", "__main__", "isolation", "steps", "world"}
