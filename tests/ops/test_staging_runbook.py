"""The staging runbook on a running system: passes where all is well, fails where not, and leaves it as it was."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from assistant.memory.guard_scripts import FORCED_MODE_KEY
from ops.waiting import wait_until
from tests.acceptance import fixtures
from tests.acceptance.system import AYSE, System
from tests.support.processes import ROOT

SCRIPT = ROOT / "ops" / "SRE_STAGING_RUNBOOK.sh"
SECONDS = 900.0
PHASES = ("== Day 0-2: write-only", "== Day 3-5: read-write", "== Emergency rollback")
pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(SECONDS + 60)]

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=1, patient=False)


def environment(system: System, **more: str) -> dict[str, str]:
    return {**system.environment, "PYTHON": sys.executable, "TMPDIR": str(system.folder), **more}


def runbook(system: System, *arguments: str, answers: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), *arguments],
        env=environment(system, **more),
        input=answers,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def held_for(system: System) -> str:
    """Why reads are off by force."""
    with system.redis() as client:
        held = client.get(FORCED_MODE_KEY)
    return str(json.loads(held)["reason"]) if held else ""


def manage(system: System, *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=system.environment, check=True, capture_output=True)


def left_behind(system: System) -> list[str]:
    """Its temporary folder, and its token."""
    tokens = system.database.query("SELECT name FROM assistant_apitoken WHERE name LIKE 'sre-runbook-%'")
    return [path.name for path in system.folder.glob("tmp.*")] + [row["name"] for row in tokens]


def test_it_rehearses_everything_on_a_healthy_system_and_leaves_nothing_behind(running_system: System) -> None:
    done = runbook(running_system, "--ci")

    assert done.returncode == 0, done.stdout + done.stderr
    assert [phase for phase in PHASES if phase in done.stdout] == list(PHASES)
    assert "FAIL" not in done.stdout
    assert done.stdout.splitlines()[-1].endswith("passed, 0 failed, 0 skipped")
    assert (held_for(running_system), left_behind(running_system)) == ("", [])


def test_it_fails_where_reads_are_off_and_leaves_anothers_hold_alone(running_system: System) -> None:
    manage(running_system, "zep_mode", "--force", "incident", "--ttl", "0")
    try:
        done = runbook(running_system, "--ci", "--phase", "read-write")

        assert done.returncode == 1
        assert (
            "FAIL  A turn\n      expected: mode read_write, used true\n      actual:   mode write_only" in done.stdout
        )
        assert (held_for(running_system), left_behind(running_system)) == ("incident", [])
    finally:
        manage(running_system, "zep_mode", "--clear")


def test_it_fails_where_personal_data_goes_out(running_system: System, worker_without_redaction: None) -> None:
    done = runbook(running_system, "--ci", "--phase", "write-only")

    assert done.returncode == 1
    assert "FAIL  It went out redacted" in done.stdout
    assert "FAIL  What the Zep stand-in holds of it" in done.stdout
    assert (held_for(running_system), left_behind(running_system)) == ("", [])


@pytest.fixture
def worker_without_redaction(running_system: System) -> Iterator[None]:
    worker = running_system.worker.process
    worker.stop()
    worker.environment["PII_REDACT_PHONE"] = "false"
    worker.start()
    yield
    worker.stop()
    del worker.environment["PII_REDACT_PHONE"]
    worker.start()


def sent_again(script: "subprocess.Popen[str]", number: int) -> bool:
    """Press Ctrl-C once more, as people do while it puts things right; True where it has ended."""
    if script.poll() is None:
        time.sleep(0.3)
        with suppress(ProcessLookupError):
            os.killpg(script.pid, number)
    return script.poll() is not None


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_in_the_middle_it_restores_what_it_found(running_system: System, number: int, code: int) -> None:
    script = subprocess.Popen(
        [str(SCRIPT), "--ci", "--phase", "write-only"],
        env=environment(running_system),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: held_for(running_system).startswith("sre-runbook-"), "reads to be forced off")
        os.killpg(script.pid, number)  # as Ctrl-C does: everything in the terminal's foreground gets it
        wait_until(lambda: sent_again(script, number), "the script to end")
        said, _ = script.communicate(timeout=SECONDS)
    finally:
        script.kill()

    assert script.returncode == code, said
    assert (held_for(running_system), left_behind(running_system)) == ("", []), said


def test_interactively_it_asks_before_each_step(running_system: System) -> None:
    done = runbook(running_system, "--interactive", answers="\n\ns\nq\n")

    assert done.returncode == 1
    assert done.stdout.count("[Enter] run  [s] skip  [q] quit:") == 4
    assert done.stdout.count("PASS") == 2
    assert "SKIP  Its metrics can be read" in done.stdout
    assert "Ended by the operator." in done.stdout
    assert done.stdout.index("It takes turns\n  expected: 200") < done.stdout.index("PASS  It takes turns")


def test_with_http_alone_it_skips_what_needs_commands(running_system: System) -> None:
    token = running_system.database.tokens[AYSE]
    elsewhere = {"LOCAL_DIR": "/nonexistent", "DATABASE_URL": "sqlite:////nonexistent/db", "SRE_TOKEN": token}

    done = runbook(running_system, "--ci", "--http-only", "--base-url", f"{running_system.web_url}/", **elsewhere)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SKIP  Write-only, rehearsed by force" in done.stdout
    assert "PASS  Cache hits after the first round" in done.stdout
    assert token not in done.stdout + done.stderr


class Stranger(BaseHTTPRequestHandler):
    """Answers everything, and remembers what it was shown."""

    shown: ClassVar[list[str]] = []
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:  # the library's name
        self.asked.append(self.path)
        self.shown.append(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{}\nmemory_mode_configured{mode="read_write"} 1.0\n')

    do_POST = do_GET  # noqa: N815  # the library's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


def test_what_this_machine_knows_of_its_own_system_goes_to_no_other(running_system: System) -> None:
    with ThreadingHTTPServer(("0.0.0.0", 0), Stranger) as server:  # noqa: S104  # on loopback, under another name
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (running_system.folder / "env").write_text("METRICS_TOKEN=canary-of-a-token\n")
        done = runbook(
            running_system, "--ci", "--base-url", f"http://0.0.0.0:{server.server_port}", METRICS_TOKEN="", SRE_TOKEN=""
        )
        server.shutdown()

    assert done.returncode == 1
    assert "/api/metrics/" in Stranger.asked
    assert set(Stranger.shown) == {""}


def test_a_system_that_is_not_there_fails_the_first_step(running_system: System) -> None:
    done = runbook(running_system, "--ci", "--base-url", "http://127.0.0.1:1")

    assert (done.returncode, done.stdout.count("FAIL"), done.stdout.count("PASS")) == (1, 1, 0)


def test_on_a_write_only_system_it_rehearses_these_days_alone(running_system: System) -> None:
    for name in ("web", "worker", "control"):
        running_system._child(name).stop()
    running_system.configure(FLAG_ZEP_READ="false")
    running_system.start("web", "worker", "control")

    done = runbook(running_system, "--ci", FLAG_ZEP_READ="false")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "mode write_only, used true" in done.stdout
    assert "SKIP  Day 3-5" in done.stdout
    assert "SKIP  Emergency rollback" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--no-such"], "unknown option: --no-such"),
        (["--phase", "canary"], "--phase must be write-only, read-write, rollback or all"),
        (["--phase"], "--phase needs a value"),
        (["--base-url", "ftp://x"], "--base-url must begin with http:// or https://"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], complaint: str) -> None:
    done = subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(complaint)


def test_its_help_names_every_option() -> None:
    said = subprocess.run([str(SCRIPT), "--help"], capture_output=True, text=True, check=True).stdout

    assert all(option in said for option in ("--interactive", "--ci", "--base-url", "--phase", "--http-only"))


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run(["shellcheck", str(Path(SCRIPT))], capture_output=True, text=True, check=False)

    assert done.stdout == ""
