"""The outbox in the database: which messages wait for Zep, who may send them, and what became of them.

Knows rows, leases and times; knows nothing of Zep's HTTP or of Celery. Every change made under a lease checks the fence
in the same transaction, so a holder that lost its lease changes nothing. The database's clock decides about leases:
workers' clocks differ.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from assistant.errors import EasyIslandersError
from assistant.models import UNSENT_STATES, WAITING_STATES, Message, MirrorState, Thread

LEASE = timedelta(seconds=60)  # far longer than one batch may take; each batch renews it


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


def has_due(thread_id: str) -> bool:
    """Whether the thread's next message may be sent now."""
    return bool(next_batch(thread_id, 1))


def take_lease(thread_id: str) -> Lease | None:
    """Take the thread's lease, or return None where somebody else holds it."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    with transaction.atomic():
        taken = Thread.objects.filter(free, pk=thread_id).update(
            lease_fence=F("lease_fence") + 1, lease_until=Now() + LEASE
        )
        if not taken:
            return None
        thread = Thread.objects.select_related("user").get(pk=thread_id)
    return Lease(thread_id, thread.lease_fence, thread.user.memory_id, thread.known_to_zep_at is not None)


def release(lease: Lease) -> None:
    """Give the lease back, unless it is somebody else's by now."""
    _held(lease).update(lease_until=None)


def mark_known_to_zep(lease: Lease) -> None:
    """Remember that user and session exist at Zep."""
    if not _held(lease).update(known_to_zep_at=timezone.now()):
        raise LeaseLost


def next_batch(thread_id: str, size: int) -> list[Message]:
    """The thread's next messages in order, up to the first that is held or not due yet: nothing overtakes it."""
    now = timezone.now()
    unsent = Message.objects.filter(thread_id=thread_id, mirror_state__in=UNSENT_STATES).order_by("sequence")
    return list(takewhile(lambda row: row.mirror_state != MirrorState.HELD and row.mirror_due_at <= now, unsent[:size]))


def save_prepared(lease: Lease, rows: Sequence[Message]) -> None:
    """Commit what is about to be sent, before it is sent: a worker killed in the call leaves rows in flight."""
    with _under(lease):
        Message.objects.bulk_update(
            rows,
            ["mirror_state", "mirror_attempts", "mirror_error", "redactions", "outgoing_parts", "outgoing_sha256"],
        )


def acknowledge(lease: Lease, rows: Sequence[Message], now: datetime) -> None:
    """Zep has these. The redacted copies are of no use any more."""
    with _under(lease):
        _of(rows).update(mirror_state=MirrorState.MIRRORED, mirrored_at=now, mirror_error="", outgoing_parts=None)


def put_off(lease: Lease, rows: Sequence[Message], reason: str, due_at: datetime, *, maybe_stored: bool) -> None:
    """Try these again at `due_at`. Where the outcome is unknown they stay in flight, to be read back first."""
    state = MirrorState.IN_FLIGHT if maybe_stored else MirrorState.PENDING
    with _under(lease):
        _of(rows).update(mirror_state=state, mirror_error=reason, mirror_due_at=due_at)


def set_aside(lease: Lease, rows: Sequence[Message], state: MirrorState, reason: str) -> None:
    """Take these out of the way of those behind them, as held or dead, with the kind of what went wrong."""
    with _under(lease):
        _of(rows).update(mirror_state=state, mirror_error=reason)


def waiting_threads(older_than: datetime, limit: int) -> list[UUID]:
    """One waiting, due message of each thread that nobody drains, the longest waiting first. One query."""
    due = (
        Message.objects.filter(mirror_state__in=WAITING_STATES, mirror_due_at__lte=timezone.now())
        .filter(Q(thread__lease_until=None) | Q(thread__lease_until__lt=Now()), created_at__lte=older_than)
        .order_by("mirror_due_at")
        .values_list("thread_id", "client_msg_id")
    )
    first_of: dict[str, UUID] = {}
    for thread_id, client_msg_id in due[: limit * 10]:
        first_of.setdefault(thread_id, client_msg_id)
    return list(first_of.values())[:limit]


def backlog() -> tuple[int, datetime | None]:
    """How many messages wait, and since when the oldest does. One query over the partial index."""
    waiting = Message.objects.filter(mirror_state__in=WAITING_STATES)
    oldest = waiting.order_by("created_at").values_list("created_at", flat=True).first()
    return waiting.count(), oldest


@contextmanager
def _under(lease: Lease) -> Iterator[None]:
    """A transaction that renews the lease first, and fails with LeaseLost where it is lost."""
    with transaction.atomic():
        if not _held(lease).update(lease_until=Now() + LEASE):
            raise LeaseLost
        yield


def _held(lease: Lease) -> QuerySet[Thread]:
    return Thread.objects.filter(pk=lease.thread_id, lease_fence=lease.fence)


def _of(rows: Iterable[Message]) -> QuerySet[Message]:
    return Message.objects.filter(pk__in=[row.pk for row in rows])
