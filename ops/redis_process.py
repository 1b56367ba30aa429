"""A real Redis-protocol server as a child process that can be stopped, frozen and started again."""

import signal
import subprocess
from pathlib import Path
from typing import Self

from ops.launcher import redis_server
from ops.waiting import wait_until


class RedisProcess:
    """`stop` and `start` keep the data; `freeze` makes it hang as a server without memory or disk does."""

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
        wait_until(lambda: redis_server.answers(self.url), "Redis to answer")
        return self

    def stop(self) -> None:
        if self._process is not None:
            self.thaw()
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None
