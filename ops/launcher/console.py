"""What the person at the terminal sees: steps, and every process's lines behind its name. Knows no process."""

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import TextIO

from ops.launcher.log_tail import LogTail
from ops.launcher.supervisor_config import SUPERVISOR_LOG, printed

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)
SUPERVISOR = "supervisor"
WORTH_SHOWING = re.compile(r"(?:exited|gave up|spawnerr): .*")  # of supervisord's own log


class Console:
    """Prints to one stream; colours only on a terminal."""

    def __init__(self, names: Iterable[str], log_dir: Path, stream: TextIO = sys.stdout) -> None:
        self.log_dir = log_dir
        self._stream = stream
        self.is_gone = False  # nobody reads any more: the terminal or the pipe was closed
        names = list(names)
        shown = [*names, SUPERVISOR]
        self._width = max(map(len, shown))
        self._tails = {name: LogTail(log_dir / printed(name)) for name in names}
        self._tails[SUPERVISOR] = LogTail(log_dir / SUPERVISOR_LOG)
        self._colours = dict(zip(shown, cycle(COLOURS), strict=False))

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        started = time.monotonic()
        self.say(f"  {what} …")
        yield
        self.say(f"  {what}: done in {time.monotonic() - started:.1f} s")

    def say(self, text: str) -> None:
        self._write(text + "\n")

    def show_new_lines(self) -> None:
        """Print what the processes wrote since the last call."""
        text = "".join(self._prefixed(name, line) + "\n" for name, line in self._new_lines())
        if text:
            self._write(text)

    def close(self) -> None:
        for tail in self._tails.values():
            tail.close()

    def _write(self, text: str) -> None:
        if self.is_gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self.is_gone = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # the interpreter's last flush succeeds

    def _new_lines(self) -> Iterator[tuple[str, str]]:
        for name, tail in self._tails.items():
            for line in tail.lines():
                if name != SUPERVISOR:
                    yield name, line
                elif event := WORTH_SHOWING.search(line):
                    yield name, event[0]

    def _prefixed(self, name: str, line: str) -> str:
        prefix = f"{name:<{self._width}} | "
        return f"\033[{self._colours[name]}m{prefix}\033[0m{line}" if self._stream.isatty() else prefix + line
