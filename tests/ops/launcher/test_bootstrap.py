"""An environment is taken as it is only while it holds all that its lock file brought."""

import json
import subprocess
from pathlib import Path

import pytest

from ops.launcher import bootstrap
from ops.launcher.supervision import ROOT

VERSION = "3.11.0"


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with two packages, installed by a lock file and stamped."""
    made = tmp_path / ".venv"
    for name in ("django-5.2", "celery-5.7"):
        (made / "lib/python3.11/site-packages" / f"{name}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(bootstrap, "VENV", made)
    monkeypatch.setattr(bootstrap, "INTERRUPTED", made / "installing")
    lock_of(tmp_path).write_text("django==5.2\ncelery==5.7\n")
    bootstrap.write_stamp(lock_of(tmp_path), VERSION)
    return made


def lock_of(folder: Path) -> Path:
    return folder / "requirements.lock"


def is_current(venv: Path, version: str = VERSION) -> bool:
    return bootstrap.is_current(lock_of(venv.parent), version)


def test_an_installed_lock_file_is_not_installed_again(venv: Path) -> None:
    assert is_current(venv)


def test_more_packages_do_not_matter(venv: Path) -> None:
    (venv / "lib/python3.11/site-packages/pytest-9.dist-info").mkdir()

    assert is_current(venv)


def test_a_changed_lock_file_is_installed(venv: Path) -> None:
    lock_of(venv.parent).write_text("django==5.3\n")

    assert not is_current(venv)


def test_a_missing_package_is_noticed(venv: Path) -> None:
    (venv / "lib/python3.11/site-packages/django-5.2.dist-info").rmdir()

    assert not is_current(venv)


def test_another_python_is_noticed(venv: Path) -> None:
    assert not is_current(venv, "3.12.0")


def test_an_interrupted_installation_is_done_again(venv: Path) -> None:
    (venv / "installing").touch()

    assert not is_current(venv)


def test_a_moved_environment_is_noticed(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not bootstrap.was_moved()
    moved = venv.rename(venv.with_name("moved"))
    monkeypatch.setattr(bootstrap, "VENV", moved)

    assert bootstrap.was_moved()


@pytest.mark.parametrize("damage", ["", "[]", "{", json.dumps({"lock": "x"})])
def test_a_damaged_stamp_means_installing_again(venv: Path, damage: str) -> None:
    bootstrap.stamp_of(lock_of(venv.parent)).write_text(damage)

    assert not is_current(venv)


def find_python(folder: Path, versions: dict[str, bool], **environ: str) -> subprocess.CompletedProcess[str]:
    """Ask the script on a machine that has these Pythons, new enough or not."""
    for name, new_enough in versions.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\nexit {0 if new_enough else 1}\n")
        program.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", ROOT / "ops/launcher/find_python.sh"],
        env={"PATH": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        ({"python3": True, "python3.12": True}, "python3"),
        ({"python3": False, "python3.12": True, "python3.11": True}, "python3.12"),
        ({"python3.11": True}, "python3.11"),
    ],
)
def test_the_first_python_that_is_new_enough_is_used(tmp_path: Path, versions: dict[str, bool], found: str) -> None:
    assert find_python(tmp_path, versions).stdout == f"{found}\n"


def test_a_chosen_python_is_used_or_refused_by_name(tmp_path: Path) -> None:
    versions = {"python3": True, "mine": True, "old": False}

    assert find_python(tmp_path, versions, PYTHON="mine").stdout == "mine\n"
    assert "PYTHON=old is not" in find_python(tmp_path, versions, PYTHON="old").stderr


def test_a_machine_without_python_is_told_what_it_needs(tmp_path: Path) -> None:
    refused = find_python(tmp_path, {"python3": False})

    assert refused.returncode == 2
    assert "Python 3.11 or newer is needed" in refused.stderr
