"""A real Redis-protocol server as a child process that can be stopped, frozen, killed and started again."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from ops.launcher import redis_server
from ops.leash import leash
from ops.waiting import wait_until

STOP_SECONDS = 60.0
ASK_AGAIN_SECONDS = 1.0


class RedisEnded(Exception):
    """The server ended while it started; the end of its log."""


class RedisProcess:
    """`stop` and `start` keep the data; `freeze` makes it hang as a server without memory or disk does.

    It ends with this process, however this one ends. What it was told survives its own death. Only where it is
    `durable` is it brought to the disk each second, as in production: while a slow disk takes it, all commands wait.
    """

    def __init__(self, folder: Path, port: int, *, durable: bool = False) -> None:
        self.folder, self.port, self.durable = folder, port, durable
        self.url = f"redis://127.0.0.1:{port}/0"
        self.interruptions = 0  # how often it was stopped, killed or frozen
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes", "save": ""}
        options["appendfsync"] = "everysec" if self.durable else "no"
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([redis_server.binary(), *arguments], stdout=log, stderr=log)
        leash().hold(self._process.pid)
        wait_until(lambda: not self.is_running or redis_server.answers(self.url), "Redis to answer")
        if not self.is_running:
            self.kill()
            raise RedisEnded((self.folder / "log").read_text(errors="replace")[-2_000:])
        return self

    def stop(self) -> None:
        """Ask it until it ends: while its first AOF is written it refuses. Raise TimeoutExpired: then it is killed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self.interruptions += 1
        try:
            process.send_signal(signal.SIGCONT)
            _ask_until_ended(process, number)
        finally:
            process.kill()
            process.wait()
            leash().let_go(process.pid)

    def freeze(self) -> None:
        if self._process is not None:
            self.interruptions += 1
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    @property
    def pid(self) -> int:
        """The server's process id; 0 where it does not run."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


def _ask_until_ended(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while True:
        process.send_signal(number)
        try:
            process.wait(ASK_AGAIN_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise
        else:
            return
