"""Whole turns over HTTP while Zep is well or in trouble: ours, the naive way, and a breaker around it.

One web process each, all started before and idle until their turn comes, with the same users, database, Redis and
stand-in. Each turn is in another thread, so that no cache helps: every turn reads Zep, unless somebody stops it.
`no trip` is ours with `DISABLE_AUTO_DOWNGRADE`: reads keep running into the fault.
"""

import itertools
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop

from assistant.memory import flags
from ops.bench.guard_state import GuardState
from ops.bench.mirror_rig import Rig
from ops.bench.reads_peer import packages
from ops.bench.reads_rows import FAULTS, FORCED, OK, REDIS_HANGS, SITUATIONS, WELL, Row
from ops.bench.rig import percentile
from ops.bench.web_load import Answered, Conversation, Speaker
from ops.bench.web_rig import Web, start_web
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn

KINDS: dict[str, tuple[str, dict[str, int]]] = {
    "healthy 20 ms": ("delay", {"delay_ms": 20}),
    "slow 200 ms": ("delay", {"delay_ms": 200}),
    "hanging": ("hang", {}),
    "dripping": ("drip", {}),
    "401": ("status", {"status": 401}),
    FORCED: ("delay", {"delay_ms": 20}),
    REDIS_HANGS: ("delay", {"delay_ms": 20}),
}
SYSTEMS: dict[str, dict[str, str]] = {
    "ours": {},
    "no trip": {"DISABLE_AUTO_DOWNGRADE": "true"},
    "naive": {"BENCH_RIVAL": "naive"},
    "pybreaker": {"BENCH_RIVAL": "pybreaker"},
    "no memory": {"BENCH_RIVAL": "nothing"},
}
FOR_RIVALS = (*WELL, *FAULTS, REDIS_HANGS)
ONLY_IN = {"no trip": FAULTS, "naive": FOR_RIVALS, "pybreaker": FOR_RIVALS, "no memory": WELL[:1]}
WARM_UP_SECONDS = 1.5
PATIENCE_SECONDS = 30.0  # a web process that was blocked first has much to do


@dataclass(frozen=True)
class Load:
    """`pause` seconds between a user's turns; 0 is flat out."""

    name: str
    pause: float
    seconds: float


@dataclass(frozen=True)
class _Talked:
    """Seconds throughout; `cpu` and `starved` of the web process."""

    answers: list[Answered]
    seconds: float
    cpu: float
    starved: float


def start(rig: Rig, local_dir: Path, systems: list[str]) -> dict[str, Web]:
    """The systems' web processes."""
    overlay = {"PYTHONPATH": str(packages(local_dir))}
    return {
        name: start_web(
            rig, f"web-{name.replace(' ', '-')}", module="ops.bench.reads_serve", environment=more | overlay
        )
        for name, more in SYSTEMS.items()
        if name in systems
    }


def measure(
    rig: Rig, webs: dict[str, Web], speakers: list[Speaker], loads: list[Load], situations: list[str]
) -> Iterator[Row]:
    """A row for each situation, system and load."""
    logging.disable(logging.CRITICAL)  # an operator's hold would be told in the middle of the table
    state = GuardState(rig.redis.url)
    state.begin_anew()
    for web in webs.values():
        uvloop.run(Conversation(web.url, speakers, (0.2, 0.4)).run(WARM_UP_SECONDS))
    for situation in situations:
        _bring_about(situation, rig.standin)
        concerned = {name: web for name, web in webs.items() if situation in ONLY_IN.get(name, SITUATIONS)}
        for (system, web), load in itertools.product(concerned.items(), loads):
            state.begin_anew()
            if situation == FORCED:
                flags.force_write_only("bench", by="bench")
            httpx.post(f"{web.url}/bench/begin", trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()
            with _frozen(rig.redis) if situation == REDIS_HANGS else nullcontext():
                talked = _talk(web, speakers, load)
            yield _row(situation, system, load, web, talked)


def _bring_about(situation: str, standin: StandIn) -> None:
    if not standin.is_running:
        standin.start()
    standin.clear()
    if situation == "refusing":
        standin.stop()
    else:
        kind, fields = KINDS[situation]
        standin.fault(kind, route="read", **fields)


@contextmanager
def _frozen(redis: RedisProcess) -> Iterator[None]:
    redis.freeze()
    try:
        yield
    finally:
        redis.thaw()


def _talk(web: Web, speakers: list[Speaker], load: Load) -> _Talked:
    started, cpu, starved = time.perf_counter(), web.worker.cpu_seconds(), web.worker.starved_seconds()
    answers = uvloop.run(Conversation(web.url, speakers, (load.pause, load.pause)).run(load.seconds))
    took = time.perf_counter() - started
    return _Talked(answers, took, web.worker.cpu_seconds() - cpu, web.worker.starved_seconds() - starved)


def _row(situation: str, system: str, load: Load, web: Web, talked: _Talked) -> Row:
    figures: dict[str, Any] = httpx.get(f"{web.url}/bench/figures", trust_env=False, timeout=PATIENCE_SECONDS).json()
    answers = talked.answers
    without = Counter(_why_without(answer) for answer in answers if answer.memory.get("used") is not True)
    turn_p50, turn_p99 = _percentiles([answer.seconds * 1000 for answer in answers], 0.5, 0.99)
    added_p50, added_p99, added_p999 = _percentiles(figures["took_ms"], 0.5, 0.99, 0.999)
    lag_p99, lag_p999 = _percentiles(figures["lag_ms"], 0.99, 0.999)
    return Row(
        situation=situation,
        system=system,
        load=load.name,
        turns=len(answers),
        errors=sum(answer.status != OK for answer in answers),
        turns_a_second=round(len(answers) / talked.seconds, 1),
        turn_p50=turn_p50,
        turn_p99=turn_p99,
        added_p50=added_p50,
        added_p99=added_p99,
        added_p999=added_p999,
        lag_p99=lag_p99,
        lag_p999=lag_p999,
        cpu=round(talked.cpu / len(answers) * 1000, 1),
        starved=round(talked.starved / talked.seconds, 2),
        with_context=round(1 - sum(without.values()) / len(answers), 3),
        without=dict(without),
    )


def _percentiles(values: list[float], *shares: float) -> list[float]:
    return [round(percentile(values, share), 1) for share in shares]


def _why_without(answer: Answered) -> str:
    return str(answer.memory.get("reason", "unanswered"))
