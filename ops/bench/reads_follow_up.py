"""Follow-up turns while the worker mirrors: how many are answered from the cache that it keeps warm.

The Procfile's web process, worker, control worker and beat; Zep takes 20 ms for everything.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import uvloop

from ops.bench.goals import Goal
from ops.bench.mirror_rig import Rig
from ops.bench.rig import percentile
from ops.bench.web_load import Answered, Conversation, Speaker
from ops.bench.web_rig import start_web

GOAL_SHARE = 0.95


@dataclass(frozen=True)
class Row:
    """`took_ms` is the trace's own figure, whole milliseconds."""

    turns: int
    errors: int
    follow_ups: int
    from_cache: float
    took_p50_ms: float
    took_p99_ms: float
    others: dict[str, int]

    def as_line(self) -> str:
        others = ", ".join(f"{why} {count}" for why, count in self.others.items()) or "none"
        return (
            f"follow-up turns: {self.follow_ups} of {self.turns} turns ({self.errors} errors), from the warm cache "
            f"{self.from_cache:.1%} (the others: {others}); read p50 {self.took_p50_ms} ms, p99 {self.took_p99_ms} ms"
        )

    def as_json(self) -> str:
        return json.dumps({"part": "follow_up", **asdict(self)})


def measure(rig: Rig, speakers: list[Speaker], seconds: float, apart: tuple[float, float]) -> Row:
    """Start everything, let them talk, stop everything."""
    rig.standin.clear()
    rig.standin.fault("delay", delay_ms=20)
    web = start_web(rig, "web-follow-up")
    rig.start_workers()
    rig.start_schedule()
    answers = uvloop.run(Conversation(web.url, speakers, apart).run(seconds))
    rig.stop_workers()
    return _row(answers)


def goals(row: Row) -> Iterator[Goal]:
    yield Goal("follow-up turns from the warm cache", row.from_cache, GOAL_SHARE, "of all", at_least=True)


def _row(answers: list[Answered]) -> Row:
    follow_ups = list(_follow_ups(answers))
    missed = [answer for answer in follow_ups if not answer.memory.get("cached")]
    others: dict[str, int] = {}
    for answer in missed:
        why = str(answer.memory.get("reason") or answer.memory.get("source"))
        others[why] = others.get(why, 0) + 1
    took = [float(answer.memory.get("took_ms", 0)) for answer in follow_ups]
    return Row(
        len(answers),
        sum(answer.status != 200 for answer in answers),  # noqa: PLR2004  # HTTP's OK
        len(follow_ups),
        round(1 - len(missed) / len(follow_ups), 3),
        percentile(took, 0.5),
        percentile(took, 0.99),
        others,
    )


def _follow_ups(answers: list[Answered]) -> Iterator[Answered]:
    """All but each user's first turn."""
    seen: set[int] = set()
    for answer in answers:
        if answer.speaker in seen:
            yield answer
        seen.add(answer.speaker)
