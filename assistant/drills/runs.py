"""Runs of drills as rows: one at a time over the cluster, the newest of each kept. Knows nothing of how one is run."""

import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from assistant.drills.catalogue import LIMIT_SECONDS, Step
from assistant.errors import EasyIslandersError
from assistant.models import DrillRun

KEPT_OF_EACH = 50
GIVEN_UP_AFTER = timedelta(seconds=2 * LIMIT_SECONDS)  # whoever ran it died with its process
HOST_CHARACTERS, BY_CHARACTERS = 255, 150


class AnotherDrillRuns(EasyIslandersError):
    """Drills run one at a time, wherever they are started: try again when this one has ended."""

    def __init__(self, drill: str) -> None:
        super().__init__(f"the drill {drill} is under way")
        self.drill = drill


@dataclass(frozen=True)
class Standing:
    """How a drill stands: when it last passed, and whether its last run did not."""

    last_success: datetime | None = None
    has_failed: bool = False


def begin(drill: str, by: str) -> DrillRun:
    """The row of a run that begins now. Raise AnotherDrillRuns. The database lets only one row be running."""
    running = DrillRun.objects.filter(outcome=DrillRun.Outcome.RUNNING)
    dead = running.filter(started_at__lt=timezone.now() - GIVEN_UP_AFTER)
    dead.update(outcome=DrillRun.Outcome.BROKEN, finished_at=timezone.now())
    host = socket.gethostname()[:HOST_CHARACTERS]
    try:
        with transaction.atomic():
            return DrillRun.objects.create(drill=drill, host=host, by=by[:BY_CHARACTERS])
    except IntegrityError:
        other = running.values_list("drill", flat=True).first()
        raise AnotherDrillRuns(other or drill) from None


def end(run: DrillRun, outcome: DrillRun.Outcome, steps: Sequence[Step]) -> DrillRun:
    """Write down how it went, unless it was given up meanwhile; drop what is too old."""
    run.outcome, run.steps, run.finished_at = outcome, [asdict(step) for step in steps], timezone.now()
    mine = DrillRun.objects.filter(pk=run.pk, outcome=DrillRun.Outcome.RUNNING)
    mine.update(outcome=run.outcome, steps=run.steps, finished_at=run.finished_at)
    prune(run.drill)
    return run


def prune(drill: str, keep: int = KEPT_OF_EACH) -> int:
    """Delete all but the newest runs of a drill, and never its last success; how many went."""
    of_it = DrillRun.objects.filter(drill=drill)
    newest = list(of_it.order_by("-started_at", "-pk").values_list("pk", flat=True)[:keep])
    passed = of_it.filter(outcome=DrillRun.Outcome.PASSED).order_by("-started_at", "-pk")
    kept = [*newest, *passed.values_list("pk", flat=True)[:1]]
    return of_it.exclude(pk__in=kept).exclude(outcome=DrillRun.Outcome.RUNNING).delete()[0]


def began_within(drill: str, time: timedelta) -> bool:
    """Whether somebody began this drill so lately."""
    return DrillRun.objects.filter(drill=drill, started_at__gt=timezone.now() - time).exists()


def latest() -> dict[str, DrillRun]:
    """The newest ended run of each drill that has one. One query, without the steps."""
    newest = _ended().values("drill").annotate(newest=Max("pk")).values("newest")
    return {run.drill: run for run in DrillRun.objects.filter(pk__in=newest).defer("steps")}


def standings() -> dict[str, Standing]:
    """How each drill stands that was ever run. One query."""
    passed = Q(outcome=DrillRun.Outcome.PASSED)
    found = (
        _ended()
        .values("drill")
        .annotate(last_success=Max("finished_at", filter=passed), last_passed=Max("pk", filter=passed), last=Max("pk"))
    )
    return {row["drill"]: Standing(row["last_success"], row["last"] != row["last_passed"]) for row in found}


def _ended() -> QuerySet[DrillRun]:
    """Runs that say how a drill stands."""
    return DrillRun.objects.exclude(outcome__in=(DrillRun.Outcome.RUNNING, DrillRun.Outcome.STOPPED))
