"""Messages that Zep would not take: finding them, sending them again, giving them up. Each change is audited.

Nothing is deleted here: a discarded letter stays in its conversation, it is only never mirrored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from assistant.models import AuditEntry, Message, MirrorState, Thread

AT_ONCE = 100


@dataclass(frozen=True)
class Filter:
    """Which dead letters are meant; None means any. `since` and `until` are about when the message was said."""

    client_msg_id: UUID | None = None
    thread_id: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def describe(self) -> dict[str, str]:
        """What was asked for, as it goes into the audit."""
        return {name: str(value) for name, value in vars(self).items() if value is not None}


def find(wanted: Filter) -> QuerySet[Message]:
    """The dead letters that match, oldest first; discarded ones are none any more."""
    lookups = {
        "client_msg_id": wanted.client_msg_id,
        "thread_id": wanted.thread_id,
        "mirror_error": wanted.reason,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
    }
    named = {lookup: value for lookup, value in lookups.items() if value is not None}
    return _letters().filter(**named).order_by("created_at", "pk")


def replay(wanted: Filter, *, actor: str, limit: int) -> Iterator[list[Message]]:
    """Send up to `limit` of them to Zep again, in portions of at most 100; yield each portion once it is committed.

    They arrive late: behind what was said after them, and marked so in their metadata.
    """
    for rows in _portions(wanted, limit):
        with transaction.atomic():
            changed = (
                _letters()
                .filter(pk__in=[row.pk for row in rows])
                .update(
                    mirror_state=MirrorState.PENDING,
                    mirror_refusals=0,
                    mirror_strikes=0,
                    replayed_at=timezone.now(),
                )
            )
            threads = {row.thread_id for row in rows}
            Thread.objects.filter(pk__in=threads).update(mirror_due_at=Coalesce("mirror_due_at", Now()))
            _audit(actor, "replay_dead_letters", wanted, changed)
        yield rows


def discard(wanted: Filter, *, actor: str, limit: int) -> int:
    """Give up to `limit` of them up; return how many."""
    discarded = 0
    for rows in _portions(wanted, limit):
        with transaction.atomic():
            changed = _letters().filter(pk__in=[row.pk for row in rows]).update(discarded_at=timezone.now())
            _audit(actor, "discard_dead_letters", wanted, changed)
        discarded += changed
    return discarded


def count() -> int:
    """How many there are. One query over a partial index."""
    return _letters().count()


def _letters() -> QuerySet[Message]:
    return Message.objects.filter(mirror_state=MirrorState.DEAD, discarded_at=None)


def _portions(wanted: Filter, limit: int) -> Iterator[list[Message]]:
    """The matches in portions; each is looked up anew, because those before it are no dead letters any more."""
    left = limit
    while left > 0 and (rows := list(find(wanted).defer("text", "rich")[: min(left, AT_ONCE)])):
        yield rows
        left -= len(rows)


def _audit(actor: str, action: str, wanted: Filter, changed: int) -> None:
    AuditEntry.objects.create(actor=actor, action=action, details=wanted.describe() | {"messages": changed})
