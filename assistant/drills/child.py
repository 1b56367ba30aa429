"""The process in which a drill runs: started, listened to, and ended with all it started, whatever becomes of it.

Knows how a drill's process speaks (a line for each step, the outcome last), not what is rehearsed. The product never
imports that program: it is of `ops`. Nothing of this process's settings but those that a drill judges reaches it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from assistant.drills.catalogue import LIMIT_SECONDS, Step, kept

PROGRAM = "ops.drills"
END_SECONDS = 5.0


@dataclass
class Told:
    """What the process said: its steps, and its last word; empty where it never got there."""

    steps: list[Step]
    outcome: str = ""


def run(drill: str, tell: Callable[[Step], None], *, limit_seconds: float = LIMIT_SECONDS) -> Told:
    """Run the drill; `tell` hears of each step as it ends. What it did not live to say is a step that failed."""
    told = Told([])
    with tempfile.TemporaryDirectory(prefix="easy-islanders-drill-", ignore_cleanup_errors=True) as folder:
        with _process(drill, folder, limit_seconds) as (said, overdue):
            for line in said:
                _hear(line, told, tell)
        if not told.outcome:
            actual = f"it did not end within {limit_seconds:g} s" if overdue.is_set() else _last_words(Path(folder))
            told.outcome = "broken"
            told.steps.append(Step("The drill's own process", "tells how the drill ended", actual, 0.0, ok=False))
            tell(told.steps[-1])
    return told


def environment(folder: str) -> dict[str, str]:
    """What the process is given: no address, key or password of this one."""
    return kept(os.environ) | {"TMPDIR": folder}


def _hear(line: str, told: Told, tell: Callable[[Step], None]) -> None:
    with suppress(ValueError, KeyError, TypeError):
        said = json.loads(line)
        if "outcome" in said:
            told.outcome = str(said["outcome"])
        else:
            told.steps.append(Step.from_json(line))
            tell(told.steps[-1])


@contextmanager
def _process(drill: str, folder: str, limit_seconds: float) -> Iterator[tuple[IO[str], threading.Event]]:
    """Its lines, and whether its time was over. It leads a process group, and ends when its standard input does."""
    command = [sys.executable, "-m", PROGRAM, drill, "--json", "--exit-with-parent"]
    with (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # this interpreter, and a name of the catalogue
            command,
            cwd=settings.BASE_DIR,
            env=environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    overdue = threading.Event()
    clock = threading.Timer(limit_seconds, _end, (process, overdue))
    clock.daemon = True
    clock.start()
    try:
        assert process.stdout is not None  # noqa: S101  # asked for above
        yield process.stdout, overdue
    except BaseException:  # an operator's Ctrl-C: nobody waits for it any more
        _kill(process)
        raise
    finally:
        clock.cancel()
        _close(process)


def _end(process: "subprocess.Popen[str]", overdue: threading.Event) -> None:
    overdue.set()
    _kill(process)


def _close(process: "subprocess.Popen[str]") -> None:
    """After its last line it has a moment to end by itself; then its group is killed."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    _kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _kill(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_words(folder: Path) -> str:
    """Why it ended: the last line of its log that names an error's class, without the error's text."""
    lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
    named = (word for line in reversed(lines) if (word := line.partition(":")[0]).isidentifier() or "." in word)
    return f"it ended: {next((word for word in named if word.endswith(('Error', 'Exception'))), 'no reason given')}"
