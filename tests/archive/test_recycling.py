"""Processes that hold more memory than they may end by themselves, and nobody is turned away."""

import os
import sys
from pathlib import Path

import httpx
import pytest

from assistant import recycling
from ops.free_port import free_port
from ops.redis_process import RedisProcess
from ops.waiting import wait_until
from tests.support.processes import ChildProcess, web

TOO_LITTLE = {"PROCESS_MAX_MEMORY_MB": "1", "PROCESS_MEMORY_CHECK_SECONDS": "5"}
PATH = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def test_what_a_process_holds_is_what_the_kernel_says() -> None:
    before = recycling.resident_bytes()

    held = bytearray(os.urandom(50_000_000))

    assert recycling.resident_bytes() - before > 40_000_000
    del held


@pytest.mark.parametrize("role", ["worker", "control"])
def test_a_worker_that_outgrew_its_limit_ends_as_if_it_had_been_asked_to(
    role: str, redis_server: RedisProcess, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "celery", "-A", "easy_islanders", "worker", "--pool", "threads", "-c", "1"]
    ports = {name: str(free_port()) for name in ("WORKER_METRICS_PORT", "CONTROL_METRICS_PORT")}
    settings = os.environ | PATH | TOO_LITTLE | ports | {"PROCESS_ROLE": role}
    queue = ["--queues", "archive" if role == "worker" else "control", "--loglevel", "INFO"]
    worker = ChildProcess(role, [*command, *queue], settings, tmp_path, lambda: True).launch()

    try:
        worker.wait_until_ended(60)
        assert '"event": "process_outgrown"' in worker.logs()
        assert "Warm shutdown" in worker.logs()
    finally:
        worker.kill()


def children_of(pid: int) -> set[str]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return {child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are listed by Linux's /proc")
def test_web_processes_that_outgrew_their_limit_are_replaced(redis_server: RedisProcess, tmp_path: Path) -> None:
    port = free_port()
    own = {"WEB_PORT": str(port), "WEB_CONCURRENCY": "2", "LOCAL_DIR": str(tmp_path / "local")}
    server = web(os.environ | PATH | TOO_LITTLE | own, tmp_path).launch()
    try:
        pid = server.pid
        assert pid is not None
        wait_until(lambda: len(children_of(pid)) == 2, "two web processes")
        first = children_of(pid)

        wait_until(lambda: not first & children_of(pid), "both to be replaced")

        assert server.is_running
        wait_until(lambda: is_up(port), "an answer")
    finally:
        server.kill()


def is_up(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
