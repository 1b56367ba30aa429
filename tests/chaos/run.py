"""Seeded runs by the dozen: `python -m tests.chaos.run --barrier 80 --processes 20 --messages 500`.

Each run is a process of its own with its own world; one line for each, and a summary. Exit code 1 where a run found a
violation. Every second run is on PostgreSQL, where it is installed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.postgres_process import PostgresProcess, is_installed
from tests.chaos.world import World, migrate
from tests.support import postgres
from tests.support.processes import ROOT

TEMPLATE = "chaos_template"
RUN_SECONDS = 1_000
WRITE_TIMEOUT_MS = "250"  # hanging requests are many here, and each is waited for
KINDS = ("barrier", "processes")


@dataclass(frozen=True)
class Job:
    kind: str
    seed: int
    messages: int
    on_postgres: bool

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.seed}"


class Databases:
    """Migrated databases by the copy: on PostgreSQL, or as a SQLite file that ends with its `folder`."""

    def __init__(self, cluster: PostgresProcess | None, folder: Path) -> None:
        self._cluster, self._folder = cluster, folder
        migrate(f"sqlite:///{folder / TEMPLATE}")
        if cluster is not None:
            migrate(cluster.create(TEMPLATE))

    def new(self, name: str, *, on_postgres: bool) -> str:
        if on_postgres and self._cluster is not None:
            return self._cluster.copy(name, of=TEMPLATE)
        shutil.copyfile(self._folder / TEMPLATE, self._folder / name)
        return f"sqlite:///{self._folder / name}"

    def drop(self, name: str, *, on_postgres: bool) -> None:
        if on_postgres and self._cluster is not None:
            self._cluster.drop(name)
        for path in self._folder.glob(f"{name}*"):
            path.unlink()


def run(job: Job, databases: Databases) -> dict[str, Any]:
    """Do one run in a process of its own; its outcome, with `seconds` and, where it broke, `failed`."""
    started = time.monotonic()
    url = databases.new(job.name, on_postgres=job.on_postgres)
    command = [sys.executable, "-m", "tests.chaos.run", "--one", job.kind, "--seed", str(job.seed)]
    command += ["--messages", str(job.messages), "--database", url]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
        lines = done.stdout.splitlines()
        outcome: dict[str, Any] = json.loads(lines[-1]) if lines and done.returncode == 0 else {}
        if not outcome:
            outcome = {"failed": done.stderr[-3_000:]}
    except subprocess.TimeoutExpired:
        outcome = {"failed": f"took over {RUN_SECONDS} s"}
    finally:
        databases.drop(job.name, on_postgres=job.on_postgres)
    return {"seconds": time.monotonic() - started, "where": [], "counts": {}, "did": {}, "violations": {}} | outcome


def one(kind: str, seed: int, messages: int, database_url: str) -> dict[str, Any]:
    """The run itself: only here are Django and the product loaded, with the world's environment."""
    pool = {"DATABASE_POOL_SIZE": "4"} if kind == "barrier" else {}
    with World(database_url, ZEP_WRITE_TIMEOUT_MS=WRITE_TIMEOUT_MS, **pool) as world:
        environment = world.environment
        os.environ.clear()
        os.environ.update(environment)
        import django  # noqa: PLC0415  # its settings are read from the environment above

        django.setup()
        from tests.chaos import driver, process_driver  # noqa: PLC0415  # see above

        if kind == "barrier":
            return driver.BarrierRun(world, seed, messages).run().as_json()
        return process_driver.ProcessRun(world, seed, messages).run().as_json()


def jobs(options: argparse.Namespace, *, has_postgres: bool) -> list[Job]:
    counts = {"barrier": options.barrier, "processes": options.processes}
    return [
        Job(kind, options.seed + number, options.messages, has_postgres and number % 2 == 0)
        for kind in KINDS
        for number in range(counts[kind])
    ]


def line(job: Job, outcome: dict[str, Any]) -> str:
    counts, did = outcome["counts"], outcome["did"]
    verdict = "FAILED" if "failed" in outcome else f"{len(outcome['where'])} violations"
    database = "postgresql" if job.on_postgres else "sqlite"
    errors = sum(count for name, count in did.items() if name.startswith("task_error"))
    return (
        f"{job.name:14} {database:10} {verdict}: {counts.get('accepted', 0)} accepted, "
        f"{counts.get('at_zep', 0)} at Zep, "
        f"{did.get('buried', 0)} buried and replayed, {did.get('killed', 0)} kills, "
        f"{sum(count for name, count in did.items() if name.startswith('stalled'))} stalls, "
        f"{sum(count for name, count in did.items() if name.startswith('fault'))} faults, "
        f"{did.get('redis_flushed', 0)} flushes, {counts.get('sent', 0)} sent in {counts.get('calls', 0)} calls, "
        f"{counts.get('arrived_although_dead', 0)} dead ones brought by a stale call, "
        f"{errors} task errors, {outcome['seconds']:.1f} s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m tests.chaos.run")
    parser.add_argument("--barrier", type=int, default=0, metavar="RUNS")
    parser.add_argument("--processes", type=int, default=0, metavar="RUNS")
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the others count on")
    parser.add_argument("--at-once", type=int, default=2, help="runs side by side")
    parser.add_argument("--one", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--database", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        say(json.dumps(one(options.one, options.seed, options.messages, options.database)))
        return 0
    with ExitStack() as stack:
        cluster = stack.enter_context(postgres.cluster()) if is_installed() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easy-chaos-databases-")))
        wanted = jobs(options, has_postgres=cluster is not None)
        return run_all(wanted, Databases(cluster, folder), options.at_once)


def run_all(wanted: Sequence[Job], databases: Databases, at_once: int) -> int:
    """Do all runs and say how each went; 0 where none found a violation."""
    totals: Counter[str] = Counter()
    with ThreadPoolExecutor(at_once) as pool:
        for job, outcome in pool.map(lambda job: (job, run(job, databases)), wanted):
            say(line(job, outcome))
            for wrong in [*outcome["where"][:10], *([outcome["failed"]] if "failed" in outcome else [])]:
                say(f"    {wrong}")
            totals.update(outcome["counts"])
            totals.update({f"did_{name}": count for name, count in outcome["did"].items()})
            totals.update({"runs": 1, "violations": len(outcome["where"]), "failed_runs": "failed" in outcome})
    say(f"SUMMARY {totals['runs']} runs, {totals['violations']} violations, {totals['failed_runs']} failed runs")
    say("  " + " ".join(f"{name}={count}" for name, count in sorted(totals.items())))
    return int(bool(totals["violations"] or totals["failed_runs"]))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
