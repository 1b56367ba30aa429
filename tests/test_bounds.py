"""No number that a setting or an argument may be makes a date, a database or a device fail."""

import ast
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant import bounds
from assistant.archive import retention, threads
from easy_islanders import env
from easy_islanders import settings as settings_module
from tests.support.processes import ROOT

UNITS = {"_DAYS": "days", "_HOURS": "hours", "_SECONDS": "seconds", "_MS": "milliseconds"}


def numbers() -> dict[str, str]:
    """Every numeric setting, and the expression that reads it."""
    tree = ast.parse(Path(settings_module.__file__).read_text())
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)]
    read = [call for call in calls if ast.unparse(call.func) in {"env.whole", "env.decimal", "env.share", "env.port"}]
    return {ast.literal_eval(call.args[0]): ast.unparse(call) for call in read}


NUMBERS = numbers()


def refusal_of(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as refused:
        eval(NUMBERS[name], {"env": env, "bounds": bounds, "POOL_SIZE": 8})  # noqa: S307  # our own settings' lines
    return str(refused.value)


def largest(name: str, monkeypatch: pytest.MonkeyPatch) -> float:
    """What the rule says that it may be."""
    found = re.search(r"(?:to|at most) ([0-9]+);", refusal_of(name, "9" * 30, monkeypatch))
    assert found
    return float(found[1])


def test_they_are_found() -> None:
    assert {"SESSION_IDLE_DAYS", "ARCHIVE_HOURS", "ARCHIVE_RETENTION_DAYS", "EXPORT_KEPT_SECONDS"} < set(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["9" * 30, "-1", "inf", "nan", "1e400", "9" * 5_000])
def test_what_is_too_large_or_no_number_is_refused_with_its_name_and_rule(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    said = refusal_of(name, value, monkeypatch)

    assert re.match(rf"{name} must be (a |from |above )", said)
    assert "at most" in said or "to" in said or "number" in said


@pytest.mark.parametrize("name", [name for name in NUMBERS if name.endswith(tuple(UNITS))])
def test_the_longest_time_can_be_counted_from_today_either_way(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    unit = next(unit for ending, unit in UNITS.items() if name.endswith(ending))

    longest = timedelta(**{unit: largest(name, monkeypatch)})

    assert timezone.now() - longest < timezone.now() + longest


@pytest.mark.django_db
def test_the_longest_times_of_archives_go_through_the_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARCHIVE_HOURS", "SESSION_IDLE_DAYS", "ARCHIVE_RETENTION_DAYS"):
        setattr(settings, name, largest(name, monkeypatch))

    assert threads.due_threads(timezone.now(), bounds.COUNT) == []
    assert list(retention.over(timezone.now())) == []
    assert list(retention.over(timezone.now(), bounds.DAYS)) == []


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("SESSION_IDLE_DAYS", "1000000", "SESSION_IDLE_DAYS must be above 0 and at most 36500; it is 1000000"),
        ("ARCHIVE_HOURS", "inf", "ARCHIVE_HOURS must be above 0 and at most 876000; it is inf"),
        ("ARCHIVE_RETENTION_DAYS", "1000000", "ARCHIVE_RETENTION_DAYS must be from 0 to 36500; it is 1000000"),
    ],
)
def test_check_names_the_setting_and_the_rule(name: str, value: str, rule: str, tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "LOCAL_DIR": str(tmp_path), name: value}
    command = [sys.executable, "manage.py", "check"]

    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)

    assert ended.returncode != 0
    assert ended.stderr.rstrip().endswith(rule)
