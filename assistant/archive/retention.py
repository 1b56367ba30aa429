"""When an archive's time is over its file is deleted, and with it what was said. Audited.

The time counts from when the words were first archived. Rows remember it while they are restored, and the next archive
has it from them: so neither an operator nor an erasure of another thread prolongs it.

The slim rows stay, with keys, times, proofs and the keyed hash: so a message that is sent again is not answered anew,
but refused as gone (410), and another message under its id still as another (409). The thread's summary stays too.
What waited for a backfill in an archive is given up with it: as held rows without a text it would keep its thread from
Zep for ever.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from assistant.archive import left_over
from assistant.archive.errors import ArchiveNotFound, ArchiveUnavailable
from assistant.events import ArchiveExpired, announce
from assistant.models import Archive, AuditEntry, Message, MirrorState

AT_ONCE = 100
EXPIRED = "expired"


def over(now: datetime, days: int | None = None, thread_id: str | None = None) -> QuerySet[Archive]:
    """Archives with words older than they may become, oldest first; none without a limit. Over a partial index.

    `thread_id`: of this thread alone.
    """
    since = _kept_from(now, settings.ARCHIVE_RETENTION_DAYS if days is None else days)
    if since is None:
        return Archive.objects.none()
    stored = Archive.objects.filter(state=Archive.State.STORED)
    if thread_id is not None:
        stored = stored.filter(thread_id=thread_id)
    return stored.filter(retained_since__lte=since).order_by("retained_since")


def is_over(archive: Archive, now: datetime) -> bool:
    """Whether what the archive holds may not be kept any longer."""
    since = _kept_from(now, settings.ARCHIVE_RETENTION_DAYS)
    return since is not None and archive.retained_since <= since


def _kept_from(now: datetime, days: int) -> datetime | None:
    return now - timedelta(days=days) if days else None


def expire(now: datetime, actor: str, days: int | None = None, thread_id: str | None = None) -> Iterator[Archive]:
    """Delete what is `over`; yield each once that is committed. Its file goes then, or with the next sweep."""
    while batch := list(over(now, days, thread_id)[:AT_ONCE]):
        for archive in batch:
            if _expired(archive, now, actor):
                yield archive


def expire_now(archive_id: int, actor: str, now: datetime) -> Archive:
    """Delete one archive, whatever its age, because an operator asks: say, because an erasure waits for a file that no
    storage will ever give. Audited. Raise ArchiveNotFound.
    """
    archive = Archive.objects.filter(pk=archive_id, state=Archive.State.STORED).first()
    if archive is None or not _expired(archive, now, actor):
        raise ArchiveNotFound(f"there is no stored archive {archive_id}")
    return archive


def _expired(archive: Archive, now: datetime, actor: str) -> bool:
    """False where it was restored meanwhile."""
    with transaction.atomic():
        _give_up_held(archive, now)  # first: restoring locks messages before their archive, too
        stored = Archive.objects.filter(pk=archive.pk, state=Archive.State.STORED)
        if not stored.update(state=Archive.State.EXPIRED, expired_at=now):
            transaction.set_rollback(True)
            return False
        details = {"archive": archive.pk, "thread_id": archive.thread_id, "messages": archive.message_count}
        AuditEntry.objects.create(actor=actor, action="archive.expire", details=details)
    archive.state = Archive.State.EXPIRED
    with suppress(ArchiveUnavailable):
        for row in Archive.objects.filter(pk=archive.pk):  # it may have been sealed anew meanwhile, into another file
            left_over.remove(row)
    announce(ArchiveExpired(archive.thread_id, archive.message_count))
    return True


def _give_up_held(archive: Archive, now: datetime) -> None:
    held = Message.objects.filter(archive=archive, mirror_state=MirrorState.HELD)
    held.update(mirror_state=MirrorState.DEAD, mirror_error=EXPIRED, discarded_at=now, outgoing_parts=None)
