"""The server as a process: what survives its death, how it ends, and the command line beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from zep_python.client import Zep

from ops.waiting import PATIENCE_SECONDS, wait_until
from ops.zep_standin.client import StandInError
from ops.zep_standin.process import ROOT, StandIn
from tests.ops.zep_standin.conftest import Say

FAST_SECONDS = 30.0  # of a machine that stands still now and then; the request itself would hang for good


@pytest.fixture
def own(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in of the test's own, which may be killed."""
    with StandIn(tmp_path / "zep.sqlite3") as standin:
        yield standin


def client_of(standin: StandIn) -> Zep:
    return Zep(base_url=standin.url, api_key=standin.api_key, timeout=PATIENCE_SECONDS)


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.zep_standin", *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def hanging_request(standin: StandIn) -> socket.socket:
    """Send a request that hangs, and return once the server has it."""
    standin.fault("hang", count=1)
    waiting, mark = socket.create_connection(("127.0.0.1", standin.port)), standin.last_n()
    waiting.sendall(b"GET /api/v2/users/u1 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: standin.log(mark), "the request to be in the log")
    return waiting


def test_what_was_acknowledged_survives_sigkill(own: StandIn, say: Say) -> None:
    zep = client_of(own)
    zep.user.add(user_id="u1")
    zep.memory.add_session(session_id="s1", user_id="u1")
    for number in range(50):
        zep.memory.add("s1", messages=[say(f"{number + 1} bedrooms" if number < 9 else str(number))])
    before, log = own.thread("s1"), own.log()

    own.kill()
    own.start()

    assert own.thread("s1") == before
    assert len(before.messages) == 50
    assert own.log() == log
    assert client_of(own).memory.get_session("s1").user_id == "u1"


def test_what_was_stored_before_a_silence_survives_sigkill(own: StandIn, say: Say) -> None:
    own.fault("store_then_hang", route="write")
    brief = httpx.Timeout(PATIENCE_SECONDS, read=0.3)
    zep = Zep(base_url=own.url, api_key=own.api_key, timeout=brief)  # type: ignore[arg-type]  # httpx's own
    with pytest.raises(httpx.TimeoutException):
        zep.memory.add("s1", messages=[say("x")])
    wait_until(lambda: own.thread("s1").exists, "the message to be stored")

    own.kill()
    own.start()

    assert own.thread("s1").contents == ["x"]


def test_log_numbers_go_on_after_a_restart(own: StandIn) -> None:
    httpx.get(f"{own.url}/api/v2/users/u1")
    own.stop()
    own.start()
    httpx.get(f"{own.url}/api/v2/users/u1")

    assert [entry["n"] for entry in own.log()] == [1, 2]


def test_a_restart_keeps_the_url_and_forgets_faults(own: StandIn) -> None:
    url = own.url
    own.fault("status", status=500)

    own.stop()
    own.start()

    assert (own.url, own.faults()) == (url, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_fast_with_a_request_hanging(own: StandIn, number: int) -> None:
    with closing(hanging_request(own)):
        os.kill(own.pid, number)

        assert own.wait(FAST_SECONDS) == 0


def test_clearing_faults_leaves_hanging_requests_hanging(own: StandIn) -> None:
    with closing(hanging_request(own)) as waiting:
        own.clear()
        waiting.settimeout(0.3)

        with pytest.raises(TimeoutError):
            waiting.recv(1)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom ops.zep_standin.process import StandIn\n"
        "print(StandIn(Path(sys.argv[1])).start().port, flush=True)\nos.kill(os.getpid(), 9)"
    )
    starter = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "zep.sqlite3")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    port = int(starter.stdout)

    wait_until(lambda: not _listens(port), "the stand-in to end")


def test_a_start_that_fails_says_so(own: StandIn, tmp_path: Path) -> None:
    with pytest.raises(StandInError, match="did not start"):
        StandIn(tmp_path / "other.sqlite3", port=own.port).start()


def test_help_explains_commands_and_exit_codes() -> None:
    shown = command("--help")

    assert shown.returncode == 0
    for word in ("serve", "fault", "faults", "clear", "log", "threads", "exit codes"):
        assert word in shown.stdout


def test_serving_without_a_key_is_refused(tmp_path: Path) -> None:
    refused = command("serve", "--data", str(tmp_path / "zep.sqlite3"), ZEP_API_KEY="")

    assert refused.returncode == 2
    assert "ZEP_API_KEY" in refused.stderr


def test_a_port_in_use_is_reported(own: StandIn, tmp_path: Path) -> None:
    failed = command("serve", "--data", str(tmp_path / "x"), "--api-key", "k", ZEP_STANDIN_PORT=str(own.port))

    assert failed.returncode == 1
    assert "zep_standin:" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_fault_is_switched_on_listed_and_cleared(own: StandIn) -> None:
    options = ["--status", "429", "--retry-after", "7", "--route", "read", "--count", "3"]
    assert command("fault", "status", *options, "--url", own.url).returncode == 0

    listed = json.loads(command("faults", ZEP_BASE_URL=own.url).stdout)
    cleared = command("clear", ZEP_BASE_URL="", ZEP_STANDIN_PORT=str(own.port))

    assert (listed["status"], listed["retry_after"], listed["remaining"]) == (429, "7", 3)
    assert (cleared.returncode, own.faults()) == (0, [])


def test_a_refused_fault_says_which_field(own: StandIn) -> None:
    refused = command("fault", "status", "--url", own.url)

    assert refused.returncode == 2
    assert "required for kind status" in refused.stderr


def test_the_log_and_the_threads_are_shown(own: StandIn, say: Say) -> None:
    client_of(own).memory.add("s1", messages=[say("I want 2 bedrooms")])

    assert "POST /api/v2/sessions/s1/memory" in command("log", "--url", own.url).stdout
    assert json.loads(command("log", "--json", "--url", own.url).stdout)["status"] == 201
    assert command("log", "--after", "1", "--url", own.url).stdout == ""
    assert command("threads", "--url", own.url).stdout == "s1  -  1\n"
    assert "fact: The user is looking" in command("threads", "s1", "--url", own.url).stdout
    assert command("threads", "nowhere", "--url", own.url).returncode == 1


def test_following_the_log_prints_what_arrives(own: StandIn) -> None:
    words = [sys.executable, "-m", "ops.zep_standin", "log", "--follow", "--url", own.url]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        httpx.get(f"{own.url}/api/v2/users/later")
        try:
            assert "GET /api/v2/users/later" in following.stdout.readline()
        finally:
            following.send_signal(signal.SIGINT)


def test_it_is_found_where_this_copy_runs(own: StandIn, tmp_path: Path) -> None:
    """In a second terminal nothing is set: `make run` wrote down where things are."""
    (tmp_path / "env").write_text(f"ZEP_BASE_URL={own.url}\n")

    found = command("faults", LOCAL_DIR=str(tmp_path), ZEP_STANDIN_PORT="", ZEP_BASE_URL="")

    assert found.returncode == 0, found.stderr


def test_a_stand_in_that_is_not_there_is_reported(own: StandIn) -> None:
    own.stop()

    failed = command("faults", "--url", own.url)

    assert failed.returncode == 3
    assert f"no Zep stand-in at {own.url}" in failed.stderr


def _listens(port: int) -> bool:
    with closing(socket.socket()) as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
