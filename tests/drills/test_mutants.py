"""A drill fails where what it rehearses is broken, at the step that says so."""

import inspect
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assistant.drills.catalogue import DRILLS
from tests.drills import mutants
from tests.support.processes import ROOT
from tests.support.processes_of import processes_of

pytestmark = pytest.mark.rehearsal


@dataclass(frozen=True)
class Broken:
    """What is broken, and the beginning of the step that has to notice."""

    drill: str
    notices: str
    mutant: str = "none"
    settings: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.drill}-{self.mutant}-{'-'.join(self.settings)}"


EVERY = (
    Broken("write_path", "Placeholders at Zep", settings={"PII_REDACT_EMAIL": "false"}),
    Broken("write_path", "Placeholders at Zep", settings={"PII_REDACT_PHONE": "false"}),
    Broken("write_path", "Messages proved to be at Zep", "other_ids_at_zep"),
    Broken("mode_status", "Forced by an operator", "the_gauge_never_changes"),
    Broken("metrics_warmup", "Series that are missing", "series_are_born_late"),
    Broken("read_path", "The turn after it", "nothing_is_cached"),
    Broken("cache_invalidation", "After zep_mode --invalidate", "nothing_is_forgotten"),
    Broken("cache_invalidation", "What it got", "slow_readers_win"),
    Broken("auth_failure", "Reads are off", settings={"DISABLE_AUTO_DOWNGRADE": "true"}),
    Broken("consecutive_failures", "Failures in a row", settings={"MEMORY_DOWNGRADE_THRESHOLD": "30"}),
    Broken("consecutive_failures", "ends the streak", "a_success_is_not_told"),
    Broken("probe_recovery", "The control worker's tick", "the_probe_never_passes"),
    Broken("probe_recovery", "A turn after it", "a_hold_ends_by_itself"),
    Broken("probe_backoff", "Holds in seconds", "holds_do_not_grow"),
    Broken("dark_launch", "Turn p95 in write_only", "turns_are_slow_with_memory"),
    Broken("dark_launch", "Turn", settings={"ZEP_READ_BUDGET_MS": "1"}),
    Broken("write_outage", "Zep is back: the hold ends", "nobody_waits"),
)


def test_every_drill_and_every_mutant_is_among_them() -> None:
    functions = {name: it.__module__ for name, it in vars(mutants).items() if inspect.isfunction(it)}
    own = {name for name, module in functions.items() if module == mutants.__name__}

    assert {broken.drill for broken in EVERY} == set(DRILLS)
    assert {broken.mutant for broken in EVERY} == own - {"put", "get", "main"}


def rehearsed(broken: Broken, folder: Path, patience: float) -> subprocess.CompletedProcess[str]:
    told = {"TMPDIR": str(folder), "IMPATIENT_SECONDS": str(patience)}
    return subprocess.run(
        [sys.executable, "-m", "tests.drills.mutants", broken.mutant, broken.drill, "--json"],
        cwd=ROOT,
        env=os.environ | broken.settings | told,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.mark.timeout(1300)
@pytest.mark.parametrize("broken", EVERY, ids=str)
def test_the_drill_notices(broken: Broken, tmp_path: Path) -> None:
    """Not before the step that has to notice it: so with more patience where a busy machine failed an earlier one."""
    for patience in (5, 20, 60):
        done = rehearsed(broken, tmp_path, patience)
        *steps, last = [json.loads(line) for line in done.stdout.splitlines()]
        if steps and steps[-1]["name"].startswith(broken.notices):
            break

    assert (last, done.returncode) == ({"outcome": "failed"}, 1), done.stderr[-2000:]
    assert [step["ok"] for step in steps] == [True] * (len(steps) - 1) + [False]
    assert steps[-1]["name"].startswith(broken.notices), steps[-1]
    assert (processes_of(tmp_path), list(tmp_path.iterdir())) == ({}, [])
