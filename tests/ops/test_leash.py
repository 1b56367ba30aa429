"""Servers started by a program do not outlive it, not even where it is killed."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.launcher import processes
from ops.waiting import wait_until
from tests.support import postgres
from tests.support.processes import ROOT

SERVERS = {
    "redis": "RedisProcess(Path(sys.argv[1]), free_port())",
    "postgres": "postgres.cluster()",
}
PROGRAM = """
import sys
from pathlib import Path
from ops.free_port import free_port
from ops.redis_process import RedisProcess
from tests.support import postgres
server = {server}.start()
print(server.pid, server.folder, flush=True)
sys.stdin.read()
"""
Program = subprocess.Popen[str]


@contextmanager
def program(server: str, folder: Path) -> Iterator[tuple[Program, int]]:
    """A program that has started the server, and the server's process id."""
    command = [sys.executable, "-c", PROGRAM.format(server=SERVERS[server]), str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout is not None
        pid, made = running.stdout.readline().split()
        try:
            yield running, int(pid)
        finally:
            running.kill()
            shutil.rmtree(made)  # nobody is left who would


def family(pid: int) -> set[int]:
    """The process and its children."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return {pid, *map(int, listed.stdout.split())}


@pytest.mark.parametrize("server", SERVERS)
def test_a_killed_program_leaves_no_server_behind(server: str, tmp_path: Path) -> None:
    if server == "postgres":
        postgres.require()
    with program(server, tmp_path) as (running, pid):
        servers = family(pid) & set(processes.alive())  # some of PostgreSQL's end soon after its start
        assert pid in servers
        running.kill()

        wait_until(lambda: not servers & set(processes.alive()), "the server to be gone")
