"""What turns came to in one situation, with one system, at one pace; and what it should have been."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from ops.bench.goals import Goal

WELL = ("healthy 20 ms", "slow 200 ms")
FAULTS = ("hanging", "dripping", "401", "refusing")
FORCED = "forced"
REDIS_HANGS = "redis hangs"
SITUATIONS = (*WELL, *FAULTS, FORCED, REDIS_HANGS)
OURS = ("ours", "no trip")
OK = 200
BUDGET_MS, P99_ALLOWANCE_MS, P999_ALLOWANCE_MS = 250, 25, 75
FORCED_P99_MS = 5
REDIS_BUDGET_MS = 20


@dataclass(frozen=True)
class Row:
    """Times in milliseconds. `added`: what the read took within the turn. `cpu`: of the web process, a turn.

    `starved`: the share of time in which the web process's main thread wanted a processor and had none: other
    processes' doing, strangers among them. `errors`: turns without an answer within five seconds, or with an error.
    `without`: why there was no context.
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
    starved: float
    with_context: float
    without: dict[str, int]

    def as_line(self) -> str:
        why = " ".join(f"{reason} {count}" for reason, count in self.without.items())
        return (
            f"{self.situation:13} {self.system:9} {self.load:8} {self.turns:5} {self.errors:3} "
            f"{self.turns_a_second:6.1f} {self.turn_p50:8.1f} {self.turn_p99:8.1f} {self.added_p50:8.1f} "
            f"{self.added_p99:8.1f} {self.added_p999:8.1f} {self.lag_p99:6.1f} {self.lag_p999:7.1f} "
            f"{self.cpu:6.1f} {self.starved:7.0%} {self.with_context:7.1%}  {why}"
        )

    def as_json(self) -> str:
        return json.dumps({"part": "turns", **asdict(self)})


HEADER = (
    f"{'Zep':13} {'system':9} {'load':8} turns err turns/s turn p50 turn p99  add p50  add p99 add p99.9 lag p99  "
    "p99.9 cpu ms starved context  without"
)


def goals(rows: Sequence[Row]) -> Iterator[Goal]:
    """In every fault, for ours with and without tripping; forced; without Redis."""
    for row in [row for row in rows if row.system in OURS]:
        beside = f"(lag p99.9 {row.lag_p999:.0f} ms, starved {row.starved:.0%})"
        name = f"added, {row.situation}, {row.system}, {row.load} {beside}"
        if row.situation in FAULTS:
            yield Goal(f"{name}, p99", row.added_p99, BUDGET_MS + P99_ALLOWANCE_MS)
            yield Goal(f"{name}, p99.9", row.added_p999, BUDGET_MS + P999_ALLOWANCE_MS)
        if row.situation == REDIS_HANGS:
            yield Goal(f"{name}, p99", row.added_p99, REDIS_BUDGET_MS + P99_ALLOWANCE_MS)
        if row.situation == FORCED and row.system == "ours":
            yield Goal(f"{name}, p99", row.added_p99, FORCED_P99_MS)
