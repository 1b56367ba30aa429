"""A scrape brings what it can in time, whatever becomes of the database."""

import subprocess
import sys
import threading
import time

import pytest

from assistant.monitoring import bounded
from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.support.environment import LOCAL_DIR
from tests.support.processes import ROOT

SCRAPE_TIMEOUT = 4.0  # of ops/prometheus/prometheus.yml
HANGS_SECONDS = 120.0
NOBODY = "postgres://somebody@127.0.0.1:1/nothing"
SCRAPE = """
import time, django
django.setup()
from assistant.monitoring.exposition import exposition
started = time.monotonic()
said = exposition().decode()
print(time.monotonic() - started)
print(said)
"""


@pytest.mark.parametrize("role", ["web", "worker"])
def test_without_a_database_the_other_series_come_in_time(role: str) -> None:
    environment = {
        "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
        "LOCAL_DIR": str(LOCAL_DIR / f"scraped-{role}"),
        "LOG_FILE_MAX_BYTES": "0",
        "SECRET_KEY": "x" * 50,
        "PROCESS_ROLE": role,
        "DATABASE_URL": NOBODY,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ARCHIVE_ENCRYPTION": "false",
    }

    def scraped_in_time() -> list[str]:
        """What a new process says; nothing where it is too late, as on a machine that stands still."""
        command = [sys.executable, "-c", SCRAPE]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        lines = [line for line in done.stdout.splitlines() if not line.startswith("{")]
        return lines if float(lines[0]) < SCRAPE_TIMEOUT else []

    lines = wait_until(scraped_in_time, "a scrape in time")
    assert 'memory_mode_configured{mode="off"} 1.0' in lines
    assert 'assistant_requests_total{status="503"} 0.0' in lines
    assert [line for line in lines if "memory_mirror_backlog" in line or "memory_drill" in line] == []


def test_one_question_that_hangs_holds_up_nobody_and_no_second_one() -> None:
    goes_on = threading.Event()
    asked: list[str] = []

    def hangs() -> str:
        asked.append("it hangs")
        goes_on.wait(HANGS_SECONDS)
        return "late"

    started = time.monotonic()
    assert bounded.answered(hangs, within=0.2) is None
    assert bounded.answered(hangs, within=0.2) is None
    assert time.monotonic() - started < HANGS_SECONDS / 2
    assert asked == ["it hangs"]

    goes_on.set()
    wait_until(lambda: bounded.answered(lambda: "again", within=1.0) == "again", "the next question to be asked")


def test_a_question_that_breaks_is_no_answer_and_the_next_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def breaks() -> str:
        raise LookupError

    assert bounded.answered(breaks) is None
    assert bounded.answered(lambda: "next", within=PATIENCE_SECONDS) == "next"
