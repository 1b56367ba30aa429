"""Which processes of a session are alive, and their end. Knows process ids only.

supervisord leads a session of its own, and what it starts stays in it, so membership tells our processes from
everybody else's even when supervisord is gone.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
KILL_SECONDS = 5.0
POLL_SECONDS = 0.02


def members(session: int) -> list[int]:
    """The session's living processes, its leader first."""
    return sorted((pid for pid in alive() if session_of(pid) == session), key=lambda pid: (pid != session, pid))


def kill(session: int) -> None:
    """Kill every process of the session, and those they start meanwhile."""
    deadline = time.monotonic() + KILL_SECONDS
    while (left := members(session)) and time.monotonic() < deadline:
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that is gone already is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def alive() -> Iterator[int]:
    """Every process that is not a zombie."""
    if (PROC / "self" / "stat").exists():
        return (int(entry) for entry in os.listdir(PROC) if entry.isdigit() and state_of(int(entry)) not in "ZX")
    listing = subprocess.run(["ps", "-axo", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    return (int(pid) for pid, state in map(str.split, listing.splitlines()) if not state.startswith("Z"))


def state_of(pid: int) -> str:
    """The letter proc(5) gives for the process's state; X when it is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "X"
    return stat.rpartition(")")[2].split()[0]
