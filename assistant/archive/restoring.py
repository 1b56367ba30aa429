"""Restoring: the exact inverse of archiving. The texts go back into the rows that were emptied, or nothing changes.

Rows keep their ids, order, times and proofs while they are archived, so only what was taken out is put back; that the
file is about these very rows is checked first. Afterwards the file goes: one copy of what somebody wrote is enough.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Least
from django.utils import timezone

from assistant.archive import left_over, reading, retention, statements, threads
from assistant.archive.document import IDENTITY
from assistant.archive.errors import (
    ArchiveDamaged,
    ArchiveError,
    ArchiveExpired,
    ArchiveNotFound,
    ArchiveUnavailable,
    ThreadChanged,
)
from assistant.events import ArchiveFailed, ArchiveRestored, announce
from assistant.memory.outbox import Lease
from assistant.models import Archive, AuditEntry, Message, MirrorState, Thread

Contents = Sequence[Mapping[str, Any]]
STAYS = timedelta(days=1)  # before the thread may be archived again: who restored it wants to look at it


@dataclass(frozen=True)
class Restored:
    """What came back. `already`: it was restored before, nothing changed. `mirror_waits`: tell the mirror again."""

    messages: int
    already: bool = False
    mirror_waits: bool = False


def restore(archive_id: int, actor: str) -> Restored:
    """Put an archive's texts back into their rows. Done twice it is done once. Audited.

    Raise ArchiveNotFound, ArchiveExpired, ArchiveDamaged, ArchiveKeyMissing, ArchiveUnavailable, ThreadBusy or
    ThreadChanged: then nothing changed.
    """
    archive = _in_time(archive_id)
    if archive is None:
        return Restored(0, already=True)
    started = time.perf_counter()
    lease, _ = threads.take_patiently(archive.thread_id)
    restored = False
    try:
        restored = _restore(lease, archive_id, actor)
    except ArchiveError as error:
        announce(ArchiveFailed(archive.thread_id, error.reason))
        raise
    finally:
        stays = timezone.now() + STAYS if restored else None
        mirror_waits = threads.release(lease, leave_alone_until=stays)
    if not restored:
        return Restored(0, already=True, mirror_waits=mirror_waits)
    announce(ArchiveRestored(archive.thread_id, archive.message_count, time.perf_counter() - started))
    return Restored(archive.message_count, mirror_waits=mirror_waits)


def check(archive_id: int) -> int:
    """Find out whether its file is right, and change nothing; return how many messages it holds, 0 once restored.

    Raise ArchiveNotFound, ArchiveExpired, ArchiveDamaged, ArchiveKeyMissing or ArchiveUnavailable.
    """
    while archive := _stored(archive_id):
        try:
            return len(contents(archive))
        except ArchiveDamaged:
            if reading.is_still_so(archive):
                raise
    return 0


def would_restore(archive_id: int) -> int:
    """How many messages `restore` would put back; changes nothing. Raise what `restore` raises."""
    return check(archive_id) if _in_time(archive_id) else 0


def contents(archive: Archive) -> Contents:
    """What the file holds, if it is about the rows that refer to it. Raise what `reading.opened` raises."""
    held = list(reading.messages(reading.opened(archive)))
    rows = Message.objects.filter(archive=archive).order_by("sequence").values(*IDENTITY)
    if [{name: message[name] for name in IDENTITY} for message in held] != list(rows):
        raise ArchiveDamaged("its messages are not those of the rows that refer to it")
    return held


def put_back(archive: Archive, held: Contents, thread: QuerySet[Thread], actor: str) -> None:
    """Inside a transaction, by who has the thread alone: the texts go into their rows. Audited. Raise ThreadChanged.

    The file is of no use afterwards, and still there.
    """
    if statements.fill(archive.pk, held, archive.retained_since) != len(held):
        raise ThreadChanged("messages were changed while they were restored")
    stored = Archive.objects.filter(pk=archive.pk, state=Archive.State.STORED)
    if not stored.update(state=Archive.State.RESTORED, restored_at=timezone.now()):
        raise ThreadChanged("the archive was deleted while it was restored")
    _count(thread, archive)
    details = {"archive": archive.pk, "thread_id": archive.thread_id, "messages": len(held)}
    AuditEntry.objects.create(actor=actor, action="archive.restore", details=details)


def archives_with_held_messages() -> list[int]:
    """Archives that hold messages which wait for a backfill."""
    held = Message.objects.filter(mirror_state=MirrorState.HELD, archive__state=Archive.State.STORED)
    return sorted(set(held.values_list("archive_id", flat=True)))


def _stored(archive_id: int) -> Archive | None:
    """The archive; None where it is restored already."""
    archive = Archive.objects.filter(pk=archive_id).exclude(state=Archive.State.WRITING).first()
    if archive is None:
        raise ArchiveNotFound(f"there is no stored archive {archive_id}")
    if archive.state == Archive.State.EXPIRED:
        raise ArchiveExpired("it was deleted when its time was over")
    return None if archive.state == Archive.State.RESTORED else archive


def _in_time(archive_id: int) -> Archive | None:
    """The same; refused once its time is over, or a restore would keep for longer what is about to be deleted."""
    archive = _stored(archive_id)
    if archive is not None and retention.is_over(archive, timezone.now()):
        raise ArchiveExpired("its time is over: it is deleted within the hour")
    return archive


def _restore(lease: Lease, archive_id: int, actor: str) -> bool:
    """Under the lease; False where somebody else restored it meanwhile."""
    archive = _stored(archive_id)
    if archive is None:
        return False
    _commit(lease, archive, contents(archive), actor)
    with suppress(ArchiveUnavailable):  # the sweep removes the file
        left_over.remove(Archive.objects.get(pk=archive.pk))
    return True


def _commit(lease: Lease, archive: Archive, held: Contents, actor: str) -> None:
    with transaction.atomic():
        threads.renew(lease)
        put_back(archive, held, threads.mine(lease), actor)


def _count(thread: QuerySet[Thread], archive: Archive) -> None:
    """The thread's counters; with nothing archived any more it has no summary either."""
    is_last = When(archived_messages__lte=archive.message_count, then=Value(None))
    thread.update(
        summary=Case(is_last, default=F("summary")),
        archived_at=Case(is_last, default=F("archived_at")),
        hot_messages=F("hot_messages") + archive.message_count,
        archived_messages=F("archived_messages") - archive.message_count,
        archived_through=Least("archived_through", archive.first_sequence - 1),
    )
