"""The tests' own promise: a test run that is killed leaves no process behind."""

import subprocess
import sys
from pathlib import Path

from ops.launcher import processes as running
from ops.waiting import wait_until
from tests.support.processes import ROOT

KILLED_RUN = """
import os, sys
from pathlib import Path
from ops.redis_process import RedisProcess
from ops.free_port import free_port
from tests.support.processes import ChildProcess
folder = Path(sys.argv[1])
RedisProcess(folder, free_port()).start()
child = ChildProcess("sleepers", ["sh", "-c", "sleep 600 & exec sleep 601"], os.environ, folder, lambda: True).start()
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_killed_test_run_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_RUN, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as run:
        assert run.stdout is not None
        sessions = (int(run.stdout.readline()), run.pid)
        assert all(running.members(session) for session in sessions)
        run.kill()

    wait_until(lambda: not any(running.members(session) for session in sessions), "every process to be gone")
