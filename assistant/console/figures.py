"""What the Memory page shows, gathered within bounds: a second for Redis, a second for each statement of the database.

What does not answer is None, and the page says so. Knows no picture and no request.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant import loops
from assistant.drills import runs
from assistant.memory import dead_letters, guard, heartbeats, indexed, write_hold
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.guard import GuardState
from assistant.memory.modes import effective
from assistant.memory.write_hold import HoldState
from assistant.models import DrillRun, Message, MirrorState, ModeTransition
from assistant.monitoring import latencies
from assistant.monitoring.latencies import Slot
from assistant.redis_link import RedisDown

T = TypeVar("T")
TRIES = 3  # the web's budget for an exchange is a turn's, and one late answer is no outage
STATEMENT_MS = 1_000
COUNTED_AT_MOST = 10_000
TRANSITIONS_SHOWN = 10
TRANSITIONS_DRAWN = 500
DAY = timedelta(hours=24)
AGES = (
    ("under 10 s", timedelta(0)),
    ("10 s to 1 min", timedelta(seconds=10)),
    ("1 to 10 min", timedelta(minutes=1)),
    ("10 min to 1 h", timedelta(minutes=10)),
    ("1 h to 1 day", timedelta(hours=1)),
    ("over a day", timedelta(days=1)),
)


@dataclass(frozen=True)
class Cluster:
    """What Redis says, all within one page. `now` is its clock, in epoch seconds."""

    now: float
    guard: GuardState
    hold: HoldState
    heard: dict[heartbeats.Name, float | None]
    probed: float | None
    slots: Sequence[Slot]


@dataclass(frozen=True)
class AgeGroup:
    """Waiting messages of an age; `count` ends at `COUNTED_AT_MOST`."""

    name: str
    count: int


@dataclass(frozen=True)
class Stored:
    """What the database says. `transitions`: of the last day, the newest first, and the last one before.

    `drills`: the last run of each.
    """

    ages: Sequence[AgeGroup]
    dead: int
    held: int
    transitions: Sequence[ModeTransition]
    last: Sequence[ModeTransition]
    drills: Sequence[DrillRun]


@dataclass(frozen=True)
class Figures:
    """Everything on the page; None: it did not answer."""

    at: datetime
    base: MemoryMode
    mode: MemoryMode
    cluster: Cluster | None
    stored: Stored | None


def gather() -> Figures:
    """About six round trips and twelve queries."""
    cluster, stored = _cluster(), _stored()
    state = cluster.guard if cluster else guard.UNKNOWN
    return Figures(timezone.now(), base_mode(), effective(base_mode(), state.guard), cluster, stored)


def _cluster() -> Cluster | None:
    try:
        now = _asked(guard.redis_now)
        return Cluster(
            now=now,
            guard=_asked(guard.read_state),
            hold=_asked(write_hold.state),
            heard=_asked(heartbeats.ages),
            probed=_asked(guard.counters)[1],
            slots=loops.run(latencies.last_day(now)),
        )
    except RedisDown:
        return None


def _asked(ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    for _ in range(TRIES - 1):
        try:
            return loops.run(ask())
        except RedisDown:
            continue
    return loops.run(ask())


def _stored() -> Stored | None:
    try:
        with _bounded_statements():
            return Stored(
                ages=_ages(timezone.now()),
                dead=dead_letters.count(),
                held=_count(Message.objects.filter(indexed.UNSENT, mirror_state=MirrorState.HELD)),
                transitions=_transitions(timezone.now() - DAY),
                last=list(ModeTransition.objects.order_by("-id")[:TRANSITIONS_SHOWN]),
                drills=sorted(runs.latest().values(), key=lambda run: run.started_at, reverse=True),
            )
    except DatabaseError:
        return None


@contextmanager
def _bounded_statements() -> Iterator[None]:
    """PostgreSQL ends a statement after a second; SQLite's are local, and bounded by what they may count.

    SQLite has no transaction here: each would take its one write lock, and wait for whoever has it.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        yield


def _ages(now: datetime) -> list[AgeGroup]:
    """One query over a partial index for each group."""
    waiting = Message.objects.filter(indexed.WAITING)
    groups = []
    for at, (name, least) in enumerate(AGES):
        of_it = waiting.filter(created_at__lte=now - least) if at else waiting
        if at + 1 < len(AGES):
            of_it = of_it.filter(created_at__gt=now - AGES[at + 1][1])
        groups.append(AgeGroup(name, _count(of_it)))
    return groups


def _transitions(since: datetime) -> list[ModeTransition]:
    done = ModeTransition.objects.exclude(epoch=None).order_by("-epoch")
    drawn = list(done.filter(at__gte=since)[:TRANSITIONS_DRAWN])
    return drawn + list(done.filter(at__lt=since)[:1])


def _count(rows: QuerySet[Any]) -> int:
    return int(rows.order_by()[:COUNTED_AT_MOST].count())
