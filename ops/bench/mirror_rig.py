"""What the mirror is measured against: PostgreSQL, Redis and a Zep stand-in of its own, and real worker processes.

Knows processes and settings; imports nothing of the product, whose settings are read when it is imported.
"""

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import django
from django.core.management import call_command

from ops.bench.rig import API_KEY
from ops.free_port import free_port
from ops.launcher import procfile
from ops.postgres_process import PostgresProcess
from ops.redis_process import RedisProcess
from ops.waiting import wait_until
from ops.zep_standin.process import ROOT, StandIn

SLOTS = 20
STOP_SECONDS = 20.0
READY_SECONDS = 60.0
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
OWN_TIMES, ALL_TIMES = slice(11, 13), slice(11, 15)  # of /proc/PID/stat, behind the command's name
READY = (" ready.", "beat: Starting", "Started server process")


@dataclass
class Worker:
    """A running process of the Procfile's, and its log."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def is_ready(self) -> bool:
        """Whether it said that it takes tasks or requests, or ticks. Raise RuntimeError where it has ended."""
        said = self.log.read_text(errors="replace")
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended:\n{said[-3_000:]}")
        return any(words in said for words in READY)

    def cpu_seconds(self) -> float:
        """CPU seconds it has used so far, without its children's."""
        return _seconds(self.process.pid, OWN_TIMES)

    def starved_seconds(self) -> float:
        """How long its main thread has waited for a processor while it could have run; 0 where the system can't say."""
        try:
            return int(Path(f"/proc/{self.process.pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Rig:
    """The servers that a measurement runs against; `environment` is what the product's processes are started with."""

    folder: Path
    postgres: PostgresProcess
    redis: RedisProcess
    standin: StandIn
    environment: dict[str, str]
    workers: list[Worker] = field(default_factory=list)

    def start_workers(self, count: int = 1, *, app: str = "easy_islanders") -> None:
        """Start the Procfile's worker, `count` of them sharing the 20 slots, and wait until they take tasks."""
        for number in range(count):
            changes = {
                "-A easy_islanders": f"-A {app}",
                "worker@": f"worker-{number}@",
                f"--concurrency {SLOTS}": f"--concurrency {SLOTS // count}",
            }
            self.launch("worker", f"worker-{number}", changes)
        self._wait_until_ready()

    def start_schedule(self) -> None:
        """Start the Procfile's control worker and beat."""
        self.launch("control", "control")
        self.launch("beat", "beat")
        self._wait_until_ready()

    def launch(
        self,
        role: str,
        name: str,
        changes: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Worker:
        """Start the Procfile's process of that role, its command changed by `changes`; it may not be ready yet."""
        command = procfile.parse((ROOT / "Procfile").read_text(encoding="utf-8"))[role]
        for old, new in (changes or {}).items():
            command = command.replace(old, new)
        log = self.folder / f"{name}.log"
        ports = {port: str(free_port()) for port in ("WORKER_METRICS_PORT", "CONTROL_METRICS_PORT")}
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["sh", "-c", command],
                cwd=ROOT,
                env=self.environment | ports | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        worker = Worker(name, process, log)
        self.workers.append(worker)
        return worker

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.stop()
        self.workers.clear()

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds that each kind of process has used so far; of PostgreSQL, with its ended children."""
        used = {"stand-in": _seconds(self.standin.pid, OWN_TIMES), "postgres": _seconds(self.postgres.pid, ALL_TIMES)}
        used["postgres"] += sum(_seconds(pid, OWN_TIMES) for pid in _children(self.postgres.pid))
        for worker in self.workers:
            kind = worker.name.partition("-")[0]
            used[kind] = used.get(kind, 0.0) + worker.cpu_seconds()
        return used | {"machine": _busy_seconds()}

    @contextmanager
    def noting_cpu(self, into: dict[str, float]) -> Iterator[None]:
        """Note in `into` how much of one core each kind of process used during the block (1.0: all of it).

        `machine` is what all processes used together, strangers included: with all cores busy the times say little.
        """
        before, started = self.cpu_seconds(), time.perf_counter()
        yield
        took, after = time.perf_counter() - started, self.cpu_seconds()
        into.update({kind: round((used - before.get(kind, 0.0)) / took, 2) for kind, used in after.items()})

    def _wait_until_ready(self) -> None:
        for worker in self.workers:
            wait_until(worker.is_ready, f"{worker.name} to be ready", seconds=READY_SECONDS)


@contextmanager
def mirror_rig(*, delay_ms: int = 0, broker_url: str = "") -> Iterator[Rig]:
    """Start the servers, set Django up in this process for the role `web`, migrate, and clean up at the end.

    `delay_ms`: how much longer the stand-in takes for each request. `broker_url`: unless it is the same
    Redis.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ended so, it cleans up as well
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easy-islanders-bench-")))
        postgres = stack.enter_context(PostgresProcess())
        redis = RedisProcess(folder / "redis", free_port(), durable=True).start()
        stack.callback(redis.stop)
        standin = stack.enter_context(StandIn(api_key=API_KEY))
        if delay_ms:
            standin.fault("delay", delay_ms=delay_ms)
        settings = _settings(folder, postgres.create("easy_islanders"), redis.url, standin.url)
        _set_up(settings | ({"CELERY_BROKER_URL": broker_url} if broker_url else {}))
        rig = Rig(folder, postgres, redis, standin, {**os.environ})
        stack.callback(rig.stop_workers)
        yield rig


@contextmanager
def database_rig(options: Mapping[str, str] | None = None) -> Iterator[PostgresProcess]:
    """PostgreSQL alone, with Django set up and migrated; `options` are settings of postgresql.conf."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ended so, it cleans up as well
    nowhere = "redis://127.0.0.1:1/0"
    with tempfile.TemporaryDirectory(prefix="easy-islanders-bench-") as folder, PostgresProcess(options) as postgres:
        _set_up(_settings(Path(folder), postgres.create("easy_islanders"), nowhere, "http://127.0.0.1:1"))
        yield postgres


def _set_up(settings: dict[str, str]) -> None:
    os.environ.update(settings)
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("seed_listings", verbosity=0, stdout=io.StringIO())


def _settings(folder: Path, database_url: str, redis_url: str, zep_url: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LOCAL_DIR": str(folder),
        "PROCESS_ROLE": "web",
        "SECRET_KEY": "bench-only",
        "ARCHIVE_ENCRYPTION_KEY": "YmVuY2gtb25seS1iZW5jaC1vbmx5LWJlbmNoLW9ubHk=",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_url,
        "ZEP_BASE_URL": zep_url,
        "ZEP_API_KEY": API_KEY,
        "FLAG_ZEP_READ": "true",
        "FLAG_ZEP_WRITE": "true",
    }


def _seconds(pid: int, times: slice) -> float:
    """CPU seconds of a process; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[times]) / TICKS_A_SECOND


def _busy_seconds() -> float:
    """CPU seconds that all cores have worked since the machine started."""
    user, nice, system, _, _, interrupts, *_ = Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
    return sum(int(ticks) for ticks in (user, nice, system, interrupts)) / TICKS_A_SECOND


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
