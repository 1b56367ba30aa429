"""The guard's history in the database, and operators' orders that are written there before they are carried out.

Knows rows; Redis is `guard`'s. Stored by the control worker alone, orders apart.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from assistant.memory.guard import ForcedMode
from assistant.memory.modes import Guard, MemoryMode
from assistant.models import ModeTransition

FIRST_ALERT_WAIT_SECONDS = 30
ALERT_TRIES = 10  # the waits double: about four hours


def order(after: Guard, reason: str, by: str, hold_seconds: float = 0.0) -> ModeTransition:
    """Write an operator's order down; a negative length: until cleared. Earlier ones that still wait are no more.

    Its number is the time, so that it is above every earlier one even where the database was restored or replaced.
    """
    with transaction.atomic():
        ModeTransition.objects.filter(epoch=None, is_superseded=False).update(is_superseded=True)
        return ModeTransition.objects.create(
            order=time.time_ns() // 1000, after=after, reason=reason, by=by, hold_seconds=hold_seconds
        )


def open_orders() -> list[ModeTransition]:
    """Orders that are not known to be carried out, oldest first. One query over a partial index."""
    return list(ModeTransition.objects.filter(epoch=None, is_superseded=False).order_by("id"))


def settle(order: ModeTransition) -> None:
    """Nothing is left to do of this order: a later one was carried out, or it changed nothing."""
    ModeTransition.objects.filter(pk=order.pk, epoch=None).update(is_superseded=True)


def store(entries: Sequence[Mapping[str, Any]]) -> None:
    """Store what Redis noted, each once, however often it is told."""
    with transaction.atomic():
        fresh = [entry for entry in entries if not _is_an_order(entry)]
        ModeTransition.objects.bulk_create([ModeTransition(**_fields(entry)) for entry in fresh], ignore_conflicts=True)
        for entry in entries:
            if _is_an_order(entry):
                mine = ModeTransition.objects.filter(order=entry["order"], epoch=None)
                mine.update(**_fields(entry), is_superseded=False)


def latest() -> tuple[int, ForcedMode | None, int]:
    """What Redis is made from: the last epoch, the hold in force after it, and the last order carried out."""
    done = ModeTransition.objects.exclude(epoch=None)
    last_order = done.aggregate(Max("order"))["order__max"] or 0
    last = done.order_by("-epoch").first()
    if last is None or last.epoch is None:
        return 0, None, 0
    return last.epoch, _forced(last) if last.after == Guard.FORCED else None, last_order


def to_tell(limit: int) -> list[int]:
    """Transitions that the webhook is to be told now. One query over a partial index."""
    due = ModeTransition.objects.filter(alert_due_at__lte=timezone.now()).order_by("alert_due_at")
    return list(due.values_list("pk", flat=True)[:limit])


def claim_alert(pk: int) -> ModeTransition | None:
    """Take the right to tell the webhook; the next try, should this one fail, is due later. None: not due."""
    row = ModeTransition.objects.filter(pk=pk, alert_due_at__lte=timezone.now()).first()
    if row is None:
        return None
    wait = timedelta(seconds=FIRST_ALERT_WAIT_SECONDS * 2**row.alert_tries)
    again = timezone.now() + wait if row.alert_tries + 1 < ALERT_TRIES else None
    mine = ModeTransition.objects.filter(pk=pk, alert_due_at=row.alert_due_at)
    return row if mine.update(alert_due_at=again, alert_tries=F("alert_tries") + 1) else None


def alert_told(pk: int) -> None:
    """The webhook took it."""
    ModeTransition.objects.filter(pk=pk).update(alert_due_at=None)


def _is_an_order(entry: Mapping[str, Any]) -> bool:
    return entry["order"] is not None


def _fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "epoch": entry["epoch"],
        "at": _moment(entry["at"]),
        "before": entry["before"],
        "after": entry["after"],
        "reason": str(entry["reason"])[:64],
        "by": str(entry["by"])[:150],
        "until": _moment(entry["until"]) if entry["until"] is not None else None,
        "hold_seconds": entry["hold_seconds"],
        "probe_failures": entry["probe_failures"],
        "alert_due_at": timezone.now() if settings.MEMORY_ALERT_WEBHOOK_URL else None,
    }


def _forced(row: ModeTransition) -> ForcedMode:
    return ForcedMode(
        mode=MemoryMode.WRITE_ONLY.value,
        reason=row.reason,
        until=row.until.timestamp() if row.until else None,
        forced_at=row.at.timestamp(),
        epoch=row.epoch or 0,
        probe_failures=row.probe_failures,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
