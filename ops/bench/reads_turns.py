"""Whole turns over HTTP while Zep is well or in trouble: ours, the naive way, and a breaker around it.

One web process each, all started before and idle until their turn comes, with the same users, database, Redis and
stand-in. Each turn is in another thread, so that no cache helps: every turn reads Zep, unless somebody stops it.
`no trip` is ours with `DISABLE_AUTO_DOWNGRADE`: reads keep running into the fault.
"""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop

from assistant.memory import flags
from ops.bench.goals import Goal
from ops.bench.guard_state import GuardState
from ops.bench.mirror_rig import Rig
from ops.bench.reads_peer import packages
from ops.bench.rig import percentile
from ops.bench.web_load import Answered, Conversation, Speaker
from ops.bench.web_rig import Web, start_web
from ops.zep_standin.process import StandIn

BUDGET_MS, P99_ALLOWANCE_MS, P999_ALLOWANCE_MS = 250, 25, 75
FORCED_P99_MS = 5
OK = 200
KINDS: dict[str, tuple[str, dict[str, int]]] = {
    "healthy 20 ms": ("delay", {"delay_ms": 20}),
    "slow 200 ms": ("delay", {"delay_ms": 200}),
    "hanging": ("hang", {}),
    "dripping": ("drip", {}),
    "401": ("status", {"status": 401}),
    "forced": ("delay", {"delay_ms": 20}),
}
WELL = ("healthy 20 ms", "slow 200 ms")
FAULTS = ("hanging", "dripping", "401", "refusing")
FORCED = "forced"
SITUATIONS = (*WELL, *FAULTS)
SYSTEMS: dict[str, dict[str, str]] = {
    "ours": {},
    "no trip": {"DISABLE_AUTO_DOWNGRADE": "true"},
    "naive": {"BENCH_RIVAL": "naive"},
    "pybreaker": {"BENCH_RIVAL": "pybreaker"},
    "no memory": {"BENCH_RIVAL": "nothing"},
}
ONLY_IN = {"no trip": FAULTS, "naive": SITUATIONS, "pybreaker": SITUATIONS, "no memory": WELL[:1]}
WARM_UP_SECONDS = 1.5


@dataclass(frozen=True)
class Load:
    """`pause` seconds between a user's turns; 0 is flat out."""

    name: str
    pause: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """Times in milliseconds. `added`: what the read took within the turn. `cpu`: of the web process, a turn.

    `errors`: turns without an answer within five seconds, or with an error. `without`: why there was no context.
    """

    situation: str
    system: str
    load: str
    turns: int
    errors: int
    turns_a_second: float
    turn_p50: float
    turn_p99: float
    added_p50: float
    added_p99: float
    added_p999: float
    lag_p99: float
    lag_p999: float
    cpu: float
    with_context: float
    without: dict[str, int]

    def as_line(self) -> str:
        return (
            f"{self.situation:13} {self.system:9} {self.load:8} {self.turns:5} {self.errors:3} "
            f"{self.turns_a_second:6.1f} {self.turn_p50:8.1f} {self.turn_p99:8.1f} {self.added_p50:8.1f} "
            f"{self.added_p99:8.1f} {self.added_p999:8.1f} {self.lag_p99:6.1f} {self.lag_p999:7.1f} "
            f"{self.cpu:6.1f} {self.with_context:7.1%}  {' '.join(f'{why} {n}' for why, n in self.without.items())}"
        )

    def as_json(self) -> str:
        return json.dumps({"part": "turns", **asdict(self)})


HEADER = (
    f"{'Zep':13} {'system':9} {'load':8} turns err turns/s turn p50 turn p99  add p50  add p99 add p99.9 lag p99  "
    "p99.9 cpu ms context  without"
)


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
    state = GuardState(rig.redis.url)
    state.begin_anew()
    for web in webs.values():
        uvloop.run(Conversation(web.url, speakers, (0.2, 0.4)).run(WARM_UP_SECONDS))
    for situation in situations:
        _bring_about(situation, rig.standin)
        concerned = {name: web for name, web in webs.items() if situation in ONLY_IN.get(name, (*SITUATIONS, FORCED))}
        for (system, web), load in itertools.product(concerned.items(), loads):
            state.begin_anew()
            if situation == FORCED:
                flags.force_write_only("bench", by="bench")
            yield _row(situation, system, load, web, speakers)


def goals(rows: list[Row]) -> Iterator[Goal]:
    """In every fault, for ours with and without tripping; forced."""
    for load in dict.fromkeys(row.load for row in rows):
        ours = [row for row in rows if row.system in ("ours", "no trip") and row.load == load]
        for row in [row for row in ours if row.situation in FAULTS]:
            name = f"added, {row.situation}, {row.system}, {load} (loop lag p99.9 {row.lag_p999:.0f} ms)"
            yield Goal(f"{name}, p99", row.added_p99, BUDGET_MS + P99_ALLOWANCE_MS)
            yield Goal(f"{name}, p99.9", row.added_p999, BUDGET_MS + P999_ALLOWANCE_MS)
        for row in [row for row in ours if row.situation == FORCED]:
            yield Goal(f"added, forced, {load}, p99", row.added_p99, FORCED_P99_MS)


def _bring_about(situation: str, standin: StandIn) -> None:
    if not standin.is_running:
        standin.start()
    standin.clear()
    if situation == "refusing":
        standin.stop()
    else:
        kind, fields = KINDS[situation]
        standin.fault(kind, route="read", **fields)


def _row(situation: str, system: str, load: Load, web: Web, speakers: list[Speaker]) -> Row:
    httpx.post(f"{web.url}/bench/begin", trust_env=False).raise_for_status()
    started, cpu = time.perf_counter(), web.worker.cpu_seconds()
    answers = uvloop.run(Conversation(web.url, speakers, (load.pause, load.pause)).run(load.seconds))
    took = time.perf_counter() - started
    figures: dict[str, Any] = httpx.get(f"{web.url}/bench/figures", trust_env=False).json()
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
        turns_a_second=round(len(answers) / took, 1),
        turn_p50=turn_p50,
        turn_p99=turn_p99,
        added_p50=added_p50,
        added_p99=added_p99,
        added_p999=added_p999,
        lag_p99=lag_p99,
        lag_p999=lag_p999,
        cpu=round((web.worker.cpu_seconds() - cpu) / len(answers) * 1000, 1),
        with_context=round(1 - sum(without.values()) / len(answers), 3),
        without=dict(without),
    )


def _percentiles(values: list[float], *shares: float) -> list[float]:
    return [round(percentile(values, share), 1) for share in shares]


def _why_without(answer: Answered) -> str:
    return str(answer.memory.get("reason", "unanswered"))
