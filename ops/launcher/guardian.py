"""Outlives a launcher that was killed, and ends what it left behind. Knows one session and one pipe.

The launcher holds the other end of standard input. Closed without the word `done`, the launcher is dead: supervisord is
asked to stop, so that tasks in hand finish, and what is then still alive is killed. The launcher's lock on
LOCAL_DIR is inherited, so that no second start gets in between.
"""

import shutil
import signal
import sys
import time

from ops.launcher import processes

DONE = b"done"
STOP_SECONDS = 180.0
POLL_SECONDS = 0.1


def main(session: int, runtime_dir: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() != DONE:
        stop(session)
    shutil.rmtree(runtime_dir, ignore_errors=True)


def stop(session: int) -> None:
    """Stop the session's leader in peace, then everything that is left of the session."""
    deadline = time.monotonic() + STOP_SECONDS
    if session in processes.members(session):
        processes.send(session, signal.SIGTERM)
    while session in processes.members(session) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    processes.kill(session)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
