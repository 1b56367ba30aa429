"""Runs promtool and amtool; their absence is a failure, not a reason to skip."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support.exported import ROOT

ALERTS = ROOT / "ops/alerts"
TEST_FILES = sorted((ALERTS / "tests").glob("*.yml"))


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The program's end, whatever it was; both of its streams as `stdout`."""
    path = shutil.which(program)
    assert path, f"{program} is not installed: apt-get install prometheus prometheus-alertmanager"
    command = [path, *map(str, arguments)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300
    )


def cases(path: Path) -> list[dict[str, Any]]:
    """The groups of tests in a file."""
    groups: list[dict[str, Any]] = yaml.safe_load(path.read_text())["tests"]
    return groups


def subject_of(case: dict[str, Any]) -> str:
    """The alert that a case is about, or what the names of its recorded series begin with."""
    return str(case["name"].split("/")[0])


def notices(rules: list[dict[str, Any]], names: list[str], folder: Path) -> bool:
    """Whether a test of these rules fails under `rules`. Raise AssertionError where promtool cannot even read them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "mutated", "rules": rules}]}))
    files = []
    for path in TEST_FILES:
        document = yaml.safe_load(path.read_text())
        document["rule_files"] = ["rules.yml"]
        document["tests"] = [case for case in document["tests"] if _is_about(subject_of(case), names)]
        if document["tests"]:
            files.append(folder / path.name)
            files[-1].write_text(yaml.safe_dump(document))
    ended = run("promtool", "test", "rules", *files)
    assert ended.returncode == 0 or "got:" in ended.stdout, ended.stdout
    return ended.returncode != 0


def _is_about(subject: str, names: list[str]) -> bool:
    return any(name == subject or name.startswith(f"{subject}:") for name in names)
