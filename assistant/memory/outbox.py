"""The outbox in the database: which messages wait for Zep, who may send them, and what became of them.

Knows rows, leases and times; knows nothing of Zep's HTTP or of Celery. Every change made under a lease checks the fence
in the same transaction, so a holder that lost its lease changes nothing. The database's clock decides about leases and
due times: workers' clocks differ.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from assistant.errors import EasyIslandersError
from assistant.memory import indexed, outbox_postgres, tombstones
from assistant.models import UNSENT_STATES, WAITING_STATES, Message, MirrorState, Thread

KNOWN_FOR = timedelta(days=1)  # then user and session are ensured again: Zep may have been restored
# The column names are the model's own; a test fills them in and reads them back.
SAVE_PREPARED = """
UPDATE assistant_message
SET mirror_state = %s, mirror_attempts = mirror_attempts + 1, redactions = %s, outgoing_parts = %s,
    outgoing_policy = %s, outgoing_sha256 = %s
WHERE id = %s
"""
LEASE = timedelta(seconds=15)  # ten write timeouts; every batch renews it before it calls Zep
FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)  # the end of the lease that an erasure takes, until it tells Zep anew


class LeaseLost(EasyIslandersError):
    """Somebody else holds the thread by now. Stop: nothing may be changed."""


@dataclass(frozen=True)
class Lease:
    """The right to mirror one thread, until `LEASE` after its last renewal. `fence` proves it."""

    thread_id: str
    fence: int
    memory_id: UUID
    known_to_zep: bool


def threads_of(client_msg_id: UUID) -> list[str]:
    """The threads that hold a message with this id: one a user at the most."""
    return list(Message.objects.filter(client_msg_id=client_msg_id).values_list("thread_id", flat=True))


def is_seized(thread: Thread) -> bool:
    """Whether an erasure has it: Zep is to forget its user, and is neither told of the thread nor asked about it."""
    return thread.lease_until is not None and thread.lease_until >= FOR_GOOD


def take_lease(thread_id: str) -> Lease | None:
    """Take the lease of a thread that is due; None where it is not, is erased, or somebody else has it. Two queries."""
    with transaction.atomic():
        free = Thread.objects.filter(_is_free(), ~tombstones.over(thread_id), pk=thread_id, mirror_due_at__lte=Now())
        taken = free.update(lease_fence=F("lease_fence") + 1, lease_until=Now() + LEASE)
        if not taken:
            return None
        thread = Thread.objects.select_related("user").get(pk=thread_id)
    is_known = thread.known_to_zep_at is not None and timezone.now() - thread.known_to_zep_at < KNOWN_FOR
    return Lease(thread_id, thread.lease_fence, thread.user.memory_id, is_known)


def renew(lease: Lease) -> None:
    """Push the lease's end out, before a call that may take long. Raise LeaseLost."""
    with _under(lease):
        pass


def release(lease: Lease, *, due_in: float | None) -> bool:
    """Give the lease back; the thread is due again in `due_in` seconds, or, with None, has nothing that waits.

    With None it fails, and the lease stays, where a message waits: it would wait for a nudge that never comes. The look
    comes after the update, under the row's lock: a dead letter that is replayed meanwhile is seen, or makes the thread
    due again afterwards. A lease that is somebody else's by now is left alone.
    """
    mine = _held(lease)
    if due_in is not None:
        mine.update(lease_until=None, mirror_due_at=Now() + timedelta(seconds=due_in))
        return True
    with transaction.atomic():
        if not mine.update(lease_until=None, mirror_due_at=None):
            return True
        if something_waits(lease.thread_id):
            transaction.set_rollback(True)
            return False
    return True


def something_waits(thread_id: str) -> bool:
    """Whether the thread's first unsent message may be sent. One query."""
    unsent = Message.objects.filter(thread_id=thread_id, mirror_state__in=UNSENT_STATES).order_by("sequence")
    return unsent.values_list("mirror_state", flat=True).first() in WAITING_STATES


def mark_known_to_zep(lease: Lease) -> Lease:
    """Remember that user and session exist at Zep; return the lease that says so."""
    if not _held(lease).update(known_to_zep_at=timezone.now()):
        raise LeaseLost
    return replace(lease, known_to_zep=True)


def waiting_messages(thread_id: str, size: int) -> list[Message]:
    """The thread's next messages in order, up to the first that is held: nothing overtakes it. One query."""
    unsent = Message.objects.filter(thread_id=thread_id, mirror_state__in=UNSENT_STATES).order_by("sequence")
    unsent = unsent.defer("rich", "memory_trace")  # large, and never sent
    return list(takewhile(lambda row: row.mirror_state != MirrorState.HELD, unsent[:size]))


def save_prepared(lease: Lease, rows: Sequence[Message]) -> None:
    """Commit what is about to be sent, before it is sent: a worker killed in the call leaves rows in flight.

    What an earlier try prepared is written once more as it is.
    """
    if connection.vendor == "postgresql":
        _demand(outbox_postgres.save_prepared(LEASE, lease.thread_id, lease.fence, rows))
        return
    values = [
        (
            MirrorState.IN_FLIGHT,
            json.dumps(row.redactions),
            json.dumps(row.outgoing_parts),
            row.outgoing_policy,
            row.outgoing_sha256,
            row.pk,
        )
        for row in rows
    ]
    with _under(lease), connection.cursor() as cursor:
        cursor.executemany(SAVE_PREPARED, values)


def acknowledge(lease: Lease, rows: Sequence[Message], now: datetime) -> None:
    """Zep has these. The redacted copies are of no use any more."""
    if connection.vendor == "postgresql":
        _demand(outbox_postgres.acknowledge(LEASE, lease.thread_id, lease.fence, rows, now))
        return
    with _under(lease):
        _of(rows).update(mirror_state=MirrorState.MIRRORED, mirrored_at=now, mirror_error="", outgoing_parts=None)


def put_back(lease: Lease, rows: Sequence[Message], reason: str) -> None:
    """Zep could not take these now. What was sent stays in flight: its outcome is not known, it is read back first."""
    with _under(lease):
        _of(rows).filter(mirror_state__in=WAITING_STATES).update(mirror_error=reason)


def note_refusal(lease: Lease, row: Message, reason: str) -> int:
    """Zep refused the message itself; return how often it has by now."""
    with _under(lease):
        _of([row]).update(
            mirror_refusals=F("mirror_refusals") + 1, mirror_error=reason, mirror_state=MirrorState.PENDING
        )
    return row.mirror_refusals + 1


def note_strike(lease: Lease, row: Message, reason: str) -> int:
    """A server error for this message while others went through; return how many there were by now."""
    with _under(lease):
        _of([row]).update(mirror_strikes=F("mirror_strikes") + 1, mirror_error=reason)
    return row.mirror_strikes + 1


def bury(lease: Lease, row: Message, kind: str) -> None:
    """Make the message a dead letter; the thread goes on past the recorded gap."""
    with _under(lease):
        _of([row]).update(mirror_state=MirrorState.DEAD, mirror_error=kind)


def hold(lease: Lease, row: Message, reason: str) -> None:
    """Hold the message, and with it all that follow in its thread."""
    with _under(lease):
        _of([row]).update(mirror_state=MirrorState.HELD, mirror_error=reason)
        Thread.objects.filter(pk=lease.thread_id).update(holds_messages=True)


def waiting_threads(overdue_by: timedelta, limit: int) -> list[str]:
    """Threads that nobody drains although they have been due for `overdue_by`, the longest waiting first. One query."""
    overdue = Thread.objects.filter(_is_free(), mirror_due_at__lte=Now() - overdue_by)
    return list(overdue.order_by("mirror_due_at").values_list("pk", flat=True)[:limit])


def backlog() -> tuple[int, datetime | None]:
    """How many messages wait, and since when the oldest does. Two queries over a partial index."""
    waiting = Message.objects.filter(indexed.WAITING)
    oldest = waiting.order_by("created_at").values_list("created_at", flat=True).first()
    return waiting.count(), oldest


@contextmanager
def _under(lease: Lease) -> Iterator[None]:
    """A transaction that renews the lease first, and fails with LeaseLost where it is lost."""
    with transaction.atomic():
        _demand(bool(_held(lease).update(lease_until=Now() + LEASE)))
        yield


def _demand(is_held: bool) -> None:
    if not is_held:
        raise LeaseLost


def _is_free() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=Now())


def _held(lease: Lease) -> QuerySet[Thread]:
    return Thread.objects.filter(pk=lease.thread_id, lease_fence=lease.fence)


def _of(rows: Iterable[Message]) -> QuerySet[Message]:
    return Message.objects.filter(pk__in=[row.pk for row in rows])
