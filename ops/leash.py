"""What a killed program must not leave behind: child processes that end with this one, however this one ends.

Knows process ids only. A watcher in a session of its own holds the other end of a pipe, which the kernel closes.
"""

import os
import subprocess
import sys
from functools import cache

# Reads `+pid` and `-pid`; at the end of its input, which is the end of this process, what was not let go is killed,
# with its group where it leads one.
WATCHER = """
import os, signal, sys
held = set()
for line in sys.stdin:
    (held.add if line[0] == "+" else held.discard)(int(line[1:]))
for pid in held:
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except OSError:
            pass
"""


class Leash:
    """The watcher's other end. Let go of a process once it was waited for: its id may be another's by then."""

    def __init__(self) -> None:
        its_end, self._our_end = os.pipe()
        self._watcher = subprocess.Popen([sys.executable, "-ISc", WATCHER], stdin=its_end, start_new_session=True)
        os.close(its_end)

    def hold(self, pid: int) -> None:
        self._tell(f"+{pid}")

    def let_go(self, pid: int) -> None:
        self._tell(f"-{pid}")

    def _tell(self, line: str) -> None:
        os.write(self._our_end, f"{line}\n".encode())


@cache
def leash() -> Leash:
    """This process's one leash."""
    return Leash()
