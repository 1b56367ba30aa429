"""Ports for servers that start later: no two processes are given the same one, nor does the kernel give it away."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ops import free_port as ports
from ops.free_port import free_port
from tests.support.processes import ROOT

HELD = 40
GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
ASKING = f"""
import os, sys
from ops.free_port import free_port
first = free_port()
child = os.fork()
ports = " ".join(str(free_port()) for _ in range({HELD}))
os.write(1, f"{{ports}}\\n".encode())
sys.stdin.read()
if child:
    os.waitpid(child, 0)
"""


def test_processes_that_live_side_by_side_are_given_different_ports_and_a_fork_is_one_of_them() -> None:
    command = [sys.executable, "-c", ASKING]
    asking = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]

    lines = [program.stdout.readline() for program in asking for _ in "ab" if program.stdout]
    for program in asking:
        program.communicate("")

    given = [int(port) for line in lines for port in line.split()]
    assert len(given) == len(set(given)) == 2 * 3 * HELD


@pytest.mark.skipif(not GIVEN_AWAY.exists(), reason="the range is told by Linux's /proc")
def test_none_is_among_those_that_the_kernel_gives_to_whoever_connects() -> None:
    lowest, highest = map(int, GIVEN_AWAY.read_text(encoding="ascii").split())
    if lowest < ports.AFTER_LAST:
        pytest.skip(f"this machine gives away ports from {lowest} on")

    assert not any(lowest <= free_port() <= highest for _ in range(HELD))


def test_one_that_somebody_listens_on_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_port()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        block = ports._Block(socket.socket(), iter([listener.getsockname()[1], free]), os.getpid())
        monkeypatch.setattr(ports, "_block", block)

        assert free_port() == free
    block.lock.close()
