"""Processes of the product as children of the test run: started, waited for, signalled, and never left behind.

Knows how a process is started and ended; what it does is the tests' business. Each has a process group of its own, so
that a kill reaches what it started too. Should this process itself be killed, its leash ends every group that is left.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx

from ops.launcher import procfile
from ops.leash import leash
from ops.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240.0
STOP_SECONDS = 60.0
TAIL_LINES = 40
OK = 200

Environment = Mapping[str, str]


class ChildProcess:
    """One program with its log file. `is_up` says whether it does its work yet."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Environment, folder: Path, is_up: Callable[[], bool]
    ) -> None:
        self.name, self.command, self.environment = name, list(command), dict(environment)
        self.log = folder / f"{name}.log"
        self._is_up = is_up
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> Self:
        """Start it, without waiting until it is up."""
        assert self._process is None, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        leash().hold(self._process.pid)
        return self

    def wait_until_up(self) -> None:
        """Return once it does its work; fail with the end of its log where it never does."""
        try:
            wait_until(lambda: self._is_up() or not self.is_running, f"{self.name} to be up", seconds=START_SECONDS)
            assert self.is_running, f"{self.name} ended while starting"
        except AssertionError as error:
            error.add_note("\n".join(self.logs().splitlines()[-TAIL_LINES:]))
            raise

    def start(self) -> Self:
        self.launch().wait_until_up()
        return self

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process itself; those it started see nothing of it."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait_until_ended(self, seconds: float = STOP_SECONDS) -> None:
        """Wait until it has ended by itself, and end what it left behind."""
        if self._process is not None:
            self._process.wait(seconds)
            self.kill()

    def stop(self) -> None:
        """Ask it to end, as a supervisor does; it is killed where it does not."""
        self.send(signal.SIGTERM)
        try:
            self.wait_until_ended()
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL to it and all it started."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            leash().let_go(process.pid)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def logs(self) -> str:
        """All it printed so far, over all its lives."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


def answers_ok(url: str) -> bool:
    """Whether a GET is answered with 200 now."""
    try:
        return httpx.get(url, timeout=10.0, trust_env=False).status_code == OK
    except httpx.HTTPError:
        return False


def command_of(name: str) -> list[str]:
    """The command line of the Procfile, as the supervisor runs it."""
    return ["sh", "-c", procfile.parse((ROOT / "Procfile").read_text(encoding="utf-8"))[name]]


def web(environment: Environment, folder: Path) -> ChildProcess:
    """The web process with its workers; up once `/readyz` says so."""
    address = f"http://127.0.0.1:{environment['WEB_PORT']}/readyz"
    return ChildProcess("web", command_of("web"), environment, folder, lambda: answers_ok(address))


def beat(environment: Environment, folder: Path) -> ChildProcess:
    """Celery's beat; up once it says so."""
    log = folder / "beat.log"
    return ChildProcess("beat", command_of("beat"), environment, folder, lambda: b"beat: Starting" in log.read_bytes())


def flower(environment: Environment, folder: Path) -> ChildProcess:
    """Flower; up once it answers without being asked for a password."""
    address = f"http://127.0.0.1:{environment['FLOWER_PORT']}/healthcheck"
    return ChildProcess("flower", command_of("flower"), environment, folder, lambda: answers_ok(address))
