"""The processes that export metrics, started as the Procfile says: each one's series, and what a scrape takes."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ops.bench.observing_rows import Figures
from ops.bench.rig import percentile
from ops.free_port import free_port
from ops.launcher import procfile
from ops.leash import leash
from ops.redis_process import RedisProcess
from ops.waiting import wait_until
from ops.zep_standin.process import ROOT

PORTS = {"web": "WEB_PORT", "worker": "WORKER_METRICS_PORT", "control": "CONTROL_METRICS_PORT"}
PATHS = {"web": "/api/metrics/"}
SCRAPES = 20
START_SECONDS = 90.0
STOP_SECONDS = 20.0


def measure(redis: RedisProcess) -> list[Figures]:
    """A row for each role; Redis and the settings are those of this process's environment."""
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    environment |= {variable: str(free_port()) for variable in PORTS.values()}
    environment |= {"REDIS_URL": redis.url, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with ExitStack() as stack:
        for role in PORTS:
            stack.enter_context(_running(role, environment))
        urls = {role: f"http://127.0.0.1:{environment[PORTS[role]]}{PATHS.get(role, '/metrics')}" for role in PORTS}
        for role, url in urls.items():
            wait_until(lambda url=url: _scraped(url), f"{role}'s metrics", seconds=START_SECONDS)  # type: ignore[misc]
        return [_row(role, url) for role, url in urls.items()]


def _row(role: str, url: str) -> Figures:
    times = []
    for _ in range(SCRAPES):
        started = time.perf_counter()
        text = _scraped(url)
        times.append((time.perf_counter() - started) * 1000)
    series = sum(not line.startswith("#") for line in text.splitlines())
    figures = {"series": series, "kib": round(len(text) / 1024, 1)}
    return Figures(role, figures | {"p50_ms": round(percentile(times, 0.5), 1), "max_ms": round(max(times), 1)})


def _scraped(url: str) -> str:
    """The exposition; empty where nobody answers yet."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # a URL of ours
            return str(answer.read().decode())
    except OSError:
        return ""


@contextmanager
def _running(role: str, environment: dict[str, str]) -> Iterator[None]:
    command = procfile.parse((ROOT / "Procfile").read_text(encoding="utf-8"))[role]
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    leash().hold(process.pid)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        leash().let_go(process.pid)
