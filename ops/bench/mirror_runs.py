"""The measurements of the mirror, one system after another. Imports the product: see `mirror`."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.memory import backlog, outbox
from assistant.tasks import start_drainers
from ops.bench.mirror_checks import Arrived, arrived, stored_between
from ops.bench.mirror_load import LiveTurns, conversation, store_backlog
from ops.bench.mirror_naive import add
from ops.bench.mirror_rig import Rig
from ops.bench.mirror_venv import interpreter
from ops.bench.rig import percentile
from ops.zep_standin.process import ROOT

DRAIN_SECONDS = 600.0
POLL_SECONDS = 0.25
WARM_UP_SECONDS = 2.0
NAIVE_APP = "ops.bench.mirror_naive"


@dataclass(frozen=True)
class Load:
    """How much is asked of each system. `rival_messages`: of the others, which are slower."""

    threads: int = 100
    messages: int = 20_000
    rival_messages: int = 4_000
    live_seconds: float = 20.0
    live_rate: float = 50.0


@dataclass(frozen=True)
class Row:
    """One system's figures. `cpu`: of one core, by kind of process. Lags are from commit to acknowledgement."""

    system: str
    asked: int
    arrived: Arrived
    seconds: float
    calls: int
    cpu: dict[str, float]
    lag_p50_ms: float | None = None
    lag_p99_ms: float | None = None

    @property
    def rate(self) -> float:
        return round(self.arrived.messages / self.seconds, 1)

    @property
    def worker_ms(self) -> float:
        """CPU milliseconds of the worker for each message: hardly changed by what else the machine does."""
        return round(self.cpu["worker"] * self.seconds * 1000 / self.arrived.messages, 2)

    @property
    def is_flawless(self) -> bool:
        return self.arrived == Arrived(self.asked)

    def as_json(self) -> str:
        return json.dumps(asdict(self) | {"messages_per_second": self.rate, "worker_ms_a_message": self.worker_ms})

    def as_line(self) -> str:
        cpu = " ".join(f"{kind} {share:.2f}" for kind, share in sorted(self.cpu.items()))
        lag = f"  lag p50 {self.lag_p50_ms:.0f} ms p99 {self.lag_p99_ms:.0f} ms" if self.lag_p50_ms is not None else ""
        return (
            f"{self.system:14}{self.arrived.messages:7}/{self.asked:<7}{self.seconds:6.1f} s {self.rate:8.1f} msg/s"
            f"  {self.calls:6} calls  violations {self.arrived.violations:5}  duplicates {self.arrived.duplicates:3}"
            f"{lag}  worker {self.worker_ms} ms/msg  cpu: {cpu}"
        )


def warm_up(rig: Rig, load: Load) -> None:
    """A few turns, so that no process pays for its first imports and connections in the measurement."""
    turns = LiveTurns("warm", load.threads)
    turns.take(load.live_rate, WARM_UP_SECONDS)
    _wait_until(lambda: turns.waiting() == 0, "the first turns to be mirrored")


def drain(rig: Rig, load: Load) -> Row:
    """A backlog, worked off by drainers as the sweep starts them; timed until the last message is acknowledged."""
    store_backlog("drain", load.threads, load.messages)
    cpu: dict[str, float] = {}
    after, started = rig.standin.last_n(), time.perf_counter()
    with rig.noting_cpu(cpu):
        start_drainers(backlog.drainers_wanted())
        _wait_until(_nothing_waits, "the backlog to be worked off")
        seconds = time.perf_counter() - started
    calls, _ = stored_between(rig.standin, after)
    return Row("drain", load.messages, arrived(rig.standin, "drain", load.threads), seconds, calls, cpu)


def live(rig: Rig, load: Load, name: str = "live") -> Row:
    """Turns at a steady rate through the real path; what counts is when each message is acknowledged."""
    turns = LiveTurns(name, load.threads)
    cpu: dict[str, float] = {}
    after = rig.standin.last_n()
    with rig.noting_cpu(cpu):
        seconds = turns.take(load.live_rate, load.live_seconds)
    _wait_until(lambda: turns.waiting() == 0, "the turns' messages to be mirrored")
    calls, _ = stored_between(rig.standin, after)
    lags = [lag * 1000 for lag in turns.lags()]
    p50, p99 = (round(percentile(lags, share), 1) for share in (0.5, 0.99))
    return Row(name, len(lags), arrived(rig.standin, name, load.threads), seconds, calls, cpu, p50, p99)


def live_beside_drain(rig: Rig, load: Load) -> Row:
    """Live turns while a backlog is worked off: what it costs them. The rate counts the live messages only."""
    store_backlog("beside", load.threads, load.messages)
    start_drainers(backlog.drainers_wanted())
    row = live(rig, load, "live-and-drain")
    _wait_until(_nothing_waits, "the backlog to be worked off")
    return row


def naive(rig: Rig, load: Load) -> Row:
    """As many tasks as messages, waiting in the broker when the workers start; timed from first to last arrival."""
    for said in conversation("naive", load.threads, load.rival_messages):
        add.delay(said.thread_id, said.role, said.text)
    after = rig.standin.last_n()
    cpu: dict[str, float] = {}
    rig.start_workers(app=NAIVE_APP)
    with rig.noting_cpu(cpu):
        _wait_until(lambda: rig.standin.last_n() >= after + load.rival_messages, "the naive tasks to be done")
    rig.stop_workers()
    calls, seconds = stored_between(rig.standin, after)
    return Row("naive", load.rival_messages, arrived(rig.standin, "naive", load.threads), seconds, calls, cpu)


def procrastinate(rig: Rig, load: Load, local_dir: Path) -> Row:
    """As many jobs as messages, waiting in PostgreSQL when the worker starts; timed from first to last arrival."""
    script = [interpreter(local_dir), str(ROOT / "ops" / "bench" / "mirror_procrastinate.py")]
    environment = rig.environment | {"DATABASE_URL": rig.postgres.create("procrastinate")}
    jobs = "\n".join(
        json.dumps({"thread_id": said.thread_id, "role": said.role, "text": said.text})
        for said in conversation("peer", load.threads, load.rival_messages)
    )
    subprocess.run([*script, "defer"], env=environment, input=jobs, text=True, check=True)
    after = rig.standin.last_n()
    cpu: dict[str, float] = {}
    with rig.noting_cpu(cpu):
        done = subprocess.run(
            [*script, "work"], env=environment, capture_output=True, text=True, check=True, timeout=DRAIN_SECONDS
        )
    calls, seconds = stored_between(rig.standin, after)
    cpu["worker"] = round(float(done.stdout) / seconds, 2)
    found = arrived(rig.standin, "peer", load.threads)
    return Row("procrastinate", load.rival_messages, found, seconds, calls, cpu)


def _nothing_waits() -> bool:
    return outbox.backlog()[0] == 0


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look now and then: looking costs the measured system something."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {DRAIN_SECONDS:.0f} s in vain for {what}")
        time.sleep(POLL_SECONDS)
