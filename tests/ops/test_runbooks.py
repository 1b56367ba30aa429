"""What runbooks and README tell an operator to type works, against a running system; and what they name exists."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from assistant.memory.guard_scripts import FORCED_MODE_KEY
from ops.redis_process import RedisProcess
from tests.acceptance import fixtures
from tests.acceptance.system import AYSE, Json, System, new_id
from tests.deploy.test_compose import is_a_setting
from tests.ops.runbooks import blocks, commands, queries
from tests.support.exported import Exported, rules
from tests.support.processes import ROOT

pytestmark = pytest.mark.rehearsal

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=1, patient=False)

RUNBOOKS = sorted((ROOT / "ops/runbooks").glob("*.md"))
PAGES = [*RUNBOOKS, ROOT / "README.md"]
# Of programs that do not come with the system; and what other tests run.
NOT_HERE = {
    "make": "tests/acceptance/test_fresh_clone.py runs what a person types",
    "redis-cli": "does not come with the system",
    "docker": "no container runs here",
    "systemctl": "no systemd runs here",
    "ops/SRE_STAGING_RUNBOOK.sh": "has a test of its own",
}
# Commands that say so by their exit code: nobody was ever erased here, and nothing archived.
NOTHING_TO_DO = {"reapply_erasures": 1, "archive list": 1}
OTHER_NAMES = {
    "ARCHIVE_NUMBER",
    "THREAD_ID",
    "CLIENT_MSG_ID",
    "NEW_PASSWORD",
    "OLD_PASSWORD",
    "SERVER_URL",
    "NAME_FILE",
    "LOCAL_DIR",
}
OTHER_NAMES |= {"SRE_STAGING_RUNBOOK"}
DOCUMENTED_PORTS = {"9808": "WORKER_METRICS_PORT", "9809": "CONTROL_METRICS_PORT", "8000": "WEB_PORT"}
PYTHON = ("manage.py", "ops/", "-")  # what a command begins with that Python is to run
TYPED = [command for page in PAGES for command in commands(page)]
PLAIN = [command.removeprefix(".venv/bin/python ") for command in TYPED]
# One of those that differ by their words in quotes alone.
COMMANDS = list({re.sub(r'"[^"$]*"', '""', command): command for command in PLAIN}.values())
QUERIES = list(dict.fromkeys(query for page in PAGES for query in queries(page)))
ALERTS = {rule["alert"] for rule in rules() if "alert" in rule}
SECONDS = 300
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
each_runbook = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.name)
each_query = pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))


# Commands


@pytest.fixture(scope="module")
def mirrored(running_system: System) -> Json:
    """A turn that is at Zep."""
    turn: Json = running_system.ayse.say("I need a 2 bedroom in Girne", thread_id=new_id())
    running_system.wait_for_mirror(turn["thread_id"], 2)
    return turn


@pytest.fixture
def operated(running_system: System, mirrored: Json) -> Iterator[System]:
    """The system with reads on, before and after."""
    yield running_system
    running_system.standin.clear()
    with running_system.redis() as client:
        is_forced = client.exists(FORCED_MODE_KEY)
    if is_forced:
        run(running_system, "manage.py zep_mode --clear")


def dead_letter(system: System) -> str:
    """The id of a message that is among the dead letters."""
    turn = system.ayse.say("Zep will not have this", thread_id=new_id())
    system.wait_for_mirror(turn["thread_id"], 2)
    dying = "UPDATE assistant_message SET mirror_state = 'dead', mirror_error = 'http_400' WHERE thread_id = ?"
    system.database.query(dying, turn["thread_id"])
    return str(turn["client_msg_id"])


def archive(system: System) -> str:
    """The number of an archive that is stored."""
    thread_id = new_id()
    for number in range(6):
        system.ayse.say(f"A villa, part {number}", thread_id=thread_id)
    system.wait_for_mirror(thread_id, 12)
    assert run(system, f"manage.py archive run --thread {thread_id}").returncode == 0
    [found] = system.database.query("SELECT id FROM assistant_archive WHERE thread_id = ?", thread_id)
    return str(found["id"])


def run(system: System, command: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell runs it, with this environment's Python and this system's ports."""
    if command.startswith(PYTHON):
        command = f"'{sys.executable}' {command}"
    for documented, name in DOCUMENTED_PORTS.items():
        command = command.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{system.environment[name]}")
    return subprocess.run(
        ["sh", "-ec", command],
        cwd=ROOT,
        env=system.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def reason_not_to_run(command: str) -> str:
    """Why it is not run here; empty where it is."""
    program = command.split()[0]
    if program in NOT_HERE:
        return NOT_HERE[program]
    if program == "curl" and shutil.which("curl") is None:
        return "no curl is installed"
    return ""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_what_it_is_there_for(command: str, request: pytest.FixtureRequest) -> None:
    if reason := reason_not_to_run(command):
        pytest.skip(reason)
    system: System = request.getfixturevalue("operated")
    turn: Json = request.getfixturevalue("mirrored")
    about = dead_letter(system) if "zep_deadletters" in command else turn["client_msg_id"]
    if "ARCHIVE_NUMBER" in command:
        command = command.replace("ARCHIVE_NUMBER", archive(system))
    typed = command.replace("CLIENT_MSG_ID", about).replace("THREAD_ID", turn["thread_id"])

    done = run(system, re.sub(r"\bUSER\b", AYSE, typed))

    allowed = {0, *(code for name, code in NOTHING_TO_DO.items() if name in command)}
    assert done.returncode in allowed, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


@each_page
def test_every_block_says_what_it_is_and_why_it_is_not_run(page: Path) -> None:
    assert [f"{page.name}:{block.line}: {block.info}" for block in blocks(page) if not block.is_understood] == []


def test_there_are_commands_to_run() -> None:
    assert len([command for command in COMMANDS if not reason_not_to_run(command)]) > 25


# Queries


@each_query
def test_a_query_names_only_what_is_exported(query: str, redis_server: RedisProcess, db: None) -> None:
    assert Exported.by_this_process().complaints(re.sub(r"\boffset \w+", "", query)) == []


@pytest.mark.monitoring
def test_prometheus_understands_the_queries(tmp_path: Path) -> None:
    recorded = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERIES)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": recorded}]}))
    checking = ["promtool", "check", "rules", "--lint=none", str(tmp_path / "queries.yml")]
    done = subprocess.run(checking, capture_output=True, text=True, check=False)

    assert QUERIES
    assert done.returncode == 0, done.stderr


# What is named


@each_runbook
def test_a_file_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    named = [page.parent / name for name in (*targets, *re.findall(r"(?<![\w/])([a-z-]+\.md)\b", text))]
    paths = [ROOT / name for name in re.findall(r"`((?:ops|tests|easy_islanders|assistant)/[\w./-]+)`", text)]

    missing = [str(path) for path in (*named, *paths) if not path.exists()]
    assert [path for path in missing if not path.endswith("SRE_STAGING_RUNBOOK.sh")] == []


def test_the_index_leads_to_every_runbook() -> None:
    index = (ROOT / "ops/runbooks/README.md").read_text(encoding="utf-8")

    assert [page.name for page in RUNBOOKS if page.name != "README.md" and f"({page.name})" not in index] == []


@each_runbook
def test_an_alert_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"\b(?:Memory|Mirror|ReadTax|Context|High|Process)[A-Z]\w+", page.read_text(encoding="utf-8"))

    assert {name for name in named if not any(alert.startswith(name) for alert in ALERTS)} == set()


@each_runbook
def test_a_variable_that_is_named_is_a_setting(page: Path) -> None:
    named = set(re.findall(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b", page.read_text(encoding="utf-8")))

    assert {name for name in named - OTHER_NAMES if not is_a_setting(name.removesuffix("_FILE"))} == set()


def test_the_checklist_asks_who_does_what_and_how_to_reach_them() -> None:
    text = (ROOT / "ops/runbooks/go-live.md").read_text(encoding="utf-8")
    raci = [line for line in text.splitlines() if re.match(r"\| [a-z].*\|", line)]
    days = re.findall(r"^## Day (-?\d+)(?: to (-?\d+))?", text, re.MULTILINE)

    assert "| Role | Name | Phone | Chat |" in text
    assert raci
    assert all(re.search(r"\bR\b", line) and re.search(r"\bA\b", line) for line in raci)  # one does it, one answers
    assert [day for first, last in days for day in range(int(first), int(last or first) + 1)] == list(range(-5, 11))
