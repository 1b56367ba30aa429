"""Every drill passes, and a running system has nothing of it but the row."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant.drills.catalogue import DRILLS
from ops.waiting import wait_until
from tests.acceptance.system import Samples, System
from tests.support.processes import ROOT
from tests.support.processes_of import processes_of

DRILL_TASK = "workers.drills.run_drill"
ALL_SECONDS = 1_000.0  # eleven drills on a machine that has other things to do; each is killed after 90
SLOW_SECONDS = 60.0
GOES = 3
# What the running system writes by itself meanwhile: latencies of its own reads are summed every few seconds.
OWN_KEYS = (
    b"mem:heartbeat:", b"mem:latency:", b"_kombu.binding.celeryev", b"_kombu.binding.reply", b"unacked_mutex",
)  # fmt: skip
OF_THE_PROCESS = ("process_", "python_", "memory_drill", "assistant_memory_usage", "assistant_tracing")
OWN_TABLES = ("assistant_drillrun", "sqlite_sequence")

Json = dict[str, Any]
pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(3 * ALL_SECONDS)]


@dataclass(frozen=True)
class Everything:
    """All that a system keeps, as far as it could tell a drill from a day on which nobody came."""

    redis: dict[bytes, bytes | None]
    rows: dict[str, list[str]]
    web: Samples
    worker: Samples
    zep: list[Json]

    @classmethod
    def of(cls, system: System) -> "Everything":
        with system.redis() as client:
            keys = [key for key in client.scan_iter() if not key.startswith(OWN_KEYS)]
            redis = {key: client.dump(key) for key in keys}
        names = [row["name"] for row in system.database.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {name for name in names if name not in OWN_TABLES}
        rows = {name: sorted(map(str, system.database.query(f'SELECT * FROM "{name}"'))) for name in tables}  # noqa: S608
        return cls(redis, rows, _of(system.web_metrics()), _of(system.metrics_of(system.worker)), system.standin.log())


def _of(samples: Samples) -> Samples:
    return {name: value for name, value in samples.items() if not name.startswith(OF_THE_PROCESS)}


@dataclass(frozen=True)
class Rehearsed:
    """What the command said of every drill, and the running system before and after."""

    exit_code: int
    passed_at_once: bool
    told: dict[str, Json]
    before: Everything
    after: Everything
    left: list[str]
    processes: dict[int, str]


@pytest.fixture(scope="module")
def used_system(running_system: System) -> System:
    """With a conversation, its rows, its metrics, its context in the cache for good."""
    turns = [running_system.ayse.say("need a 2 bedroom in girne") for _ in range(2)]
    for turn in turns:
        running_system.wait_for_mirror(turn["thread_id"], 2)
    running_system.beat.stop()
    running_system.wait_until_idle()
    with running_system.redis() as client:
        for key in client.scan_iter():
            client.persist(key)
    return running_system


@pytest.fixture(scope="module")
def rehearsed(used_system: System, tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    folder = tmp_path_factory.mktemp("drills")
    before = Everything.of(used_system)
    exit_code, told = zep_drill(used_system, folder, "all")
    passed_at_once = not slow_or_failed(told)
    for _ in range(GOES):  # a machine that stands still is too slow for what a drill demands
        for drill in slow_or_failed(told):
            told |= zep_drill(used_system, folder, drill)[1]
    used_system.wait_until_idle()
    return Rehearsed(
        exit_code,
        passed_at_once,
        told,
        before,
        Everything.of(used_system),
        [str(path) for path in folder.rglob("*")],
        processes_of(folder),
    )


def zep_drill(system: System, folder: Path, drill: str) -> tuple[int, dict[str, Json]]:
    """The command's exit code, and what it told of each drill."""
    done = subprocess.run(
        [sys.executable, "manage.py", "zep_drill", drill, "--json", "--operator", "ayse"],
        cwd=ROOT,
        env=system.environment | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=ALL_SECONDS,
        check=False,
    )
    return done.returncode, {told["drill"]: told for told in map(json.loads, done.stdout.splitlines())}


def slow_or_failed(told: dict[str, Json]) -> list[str]:
    return [drill for drill, each in told.items() if each["outcome"] != "passed" or each["seconds"] >= SLOW_SECONDS]


@pytest.mark.parametrize("drill", DRILLS)
def test_the_drill_passes(rehearsed: Rehearsed, drill: str) -> None:
    told = rehearsed.told[drill]

    assert (told["outcome"], [step for step in told["steps"] if not step["ok"]]) == ("passed", [])
    assert len(told["steps"]) > 4
    assert told["seconds"] < SLOW_SECONDS


def test_all_passed_says_the_exit_code(rehearsed: Rehearsed) -> None:
    assert rehearsed.exit_code == 0 or not rehearsed.passed_at_once


@pytest.mark.parametrize("part", Everything.__dataclass_fields__)
def test_the_running_system_has_nothing_of_it(rehearsed: Rehearsed, part: str) -> None:
    before = getattr(rehearsed.before, part)

    assert before, "there is something that could have been touched"
    assert getattr(rehearsed.after, part) == before


def test_each_is_a_row_with_its_steps(used_system: System, rehearsed: Rehearsed) -> None:
    rows = used_system.database.query('SELECT * FROM "assistant_drillrun" ORDER BY id')

    last = {row["drill"]: (row["outcome"], row["by"]) for row in rows}
    assert [row["drill"] for row in rows[: len(DRILLS)]] == list(DRILLS)
    assert last == dict.fromkeys(DRILLS, ("passed", "ayse"))
    steps = json.loads(rows[0]["steps"])
    assert set(steps[0]) == {"name", "expected", "actual", "ms", "ok"}
    assert all(row["finished_at"] and row["host"] for row in rows)


def test_they_leave_no_process_and_no_file(rehearsed: Rehearsed) -> None:
    assert (rehearsed.processes, rehearsed.left) == ({}, [])


def test_a_worker_runs_one_from_the_default_queue_and_touches_as_little(
    used_system: System, rehearsed: Rehearsed
) -> None:
    before = Everything.of(used_system)
    publish = f"from easy_islanders.celery import app; app.send_task({DRILL_TASK!r}, ('write_path',))"

    for _ in range(GOES):  # as above
        used_system.database.query('DELETE FROM "assistant_drillrun"')
        subprocess.run([sys.executable, "-c", publish], cwd=ROOT, env=used_system.environment, check=True)
        row = wait_until(_ended(used_system), "the worker to run the drill")
        used_system.wait_until_idle()
        if row["outcome"] == "passed":
            break

    assert (row["drill"], row["outcome"], row["by"]) == ("write_path", "passed", "schedule")
    assert asdict(Everything.of(used_system)) == asdict(before)
    metrics = used_system.web_metrics()
    assert metrics['memory_drill_failed{drill="write_path"}'] == 0
    assert metrics['memory_drill_last_success_timestamp_seconds{drill="write_path"}'] > 1_700_000_000


def _ended(system: System) -> Callable[[], Json]:
    def ended() -> Json:
        rows = system.database.query('SELECT * FROM "assistant_drillrun" WHERE finished_at IS NOT NULL')
        return rows[0] if rows else {}

    return ended


def test_a_drill_dies_with_who_runs_it(used_system: System, tmp_path: Path) -> None:
    command = subprocess.Popen(
        [sys.executable, "manage.py", "zep_drill", "probe_backoff"],
        cwd=ROOT,
        env=used_system.environment | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _servers_of(tmp_path) == ["redis", "zep"], "the drill's servers to run")
    finally:
        command.kill()
        command.wait()

    wait_until(lambda: not processes_of(tmp_path), "all that it started to end")
    wait_until(lambda: not list(tmp_path.iterdir()), "its files to be removed")


def _servers_of(folder: Path) -> list[str]:
    commands = processes_of(folder).values()
    found = {"zep": "zep_standin", "redis": "server 127.0.0.1"}
    return sorted(name for name, words in found.items() if any(words in command for command in commands))
