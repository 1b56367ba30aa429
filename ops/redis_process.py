"""A real Redis-protocol server as a child process that can be stopped, frozen, killed and started again."""

import signal
import subprocess
from pathlib import Path
from typing import Self

from ops.launcher import redis_server
from ops.leash import leash
from ops.waiting import wait_until

STOP_SECONDS = 10.0


class RedisProcess:
    """`stop` and `start` keep the data; `freeze` makes it hang as a server without memory or disk does.

    It ends with this process, however this one ends.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.url = f"redis://127.0.0.1:{port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes", "save": ""}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([redis_server.binary(), *arguments], stdout=log, stderr=log)
        leash().hold(self._process.pid)
        wait_until(lambda: redis_server.answers(self.url), "Redis to answer")
        return self

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self.thaw()
            self._process.send_signal(number)
            self._process.wait(STOP_SECONDS)
            leash().let_go(self._process.pid)
            self._process = None

    def freeze(self) -> None:
        if self._process is not None:
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
