"""Sealing old archives with the key that writes now, so that a key which was replaced can be dropped.

For each, under its thread's lease: a row that names the new file; the new file; the new file read back and compared;
and, in one transaction that fails where the lease is lost or the archive is no more what it was, the archive has the
new file and the other row the old one. What is left then is removed like what a killed run leaves: its row names it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.archive import left_over, reading, storage, threads
from assistant.archive.errors import (
    ArchiveDamaged,
    ArchiveError,
    ArchiveNotConfigured,
    ArchiveUnavailable,
    ThreadBusy,
    ThreadChanged,
)
from assistant.archive.names import name_of
from assistant.archive.sealing import Sealed, seal, unseal, writing_key_id
from assistant.events import ArchiveFailed, ArchiveResealed, announce
from assistant.memory.outbox import Lease
from assistant.models import Archive, AuditEntry

AT_ONCE = 100
PATIENCE = 10.0
ABOUT = ("thread_id", "rule", "first_sequence", "last_sequence", "message_count", "format_version")
FILE = ("name", "size_bytes", "sha256", "key_id")
NEXT_TIME_TOO = (ArchiveUnavailable, ArchiveNotConfigured)  # whatever is away for one is away for all


@dataclass(frozen=True)
class Resealed:
    """What became of an archive. `refused`: why it stays as it was; empty where it has the new key."""

    archive: int
    refused: ArchiveError | None = None


def wanted(among: QuerySet[Archive] | None = None) -> QuerySet[Archive]:
    """Stored archives that another key sealed, or none did. Raise ArchiveNotConfigured where there is no key to use.

    So with encryption switched off nothing that is sealed is opened for good.
    """
    key_id = writing_key_id()
    if not key_id:
        raise ArchiveNotConfigured("ARCHIVE_ENCRYPTION is off, or ARCHIVE_ENCRYPTION_KEY is not set")
    archives = Archive.objects.all() if among is None else among
    return archives.filter(state=Archive.State.STORED).exclude(key_id=key_id)


def reseal_all(
    actor: str,
    among: QuerySet[Archive] | None = None,
    most: int | None = None,
    now: Callable[[], datetime] = timezone.now,
) -> Iterator[Resealed]:
    """Seal what is wanted anew, up to `most`, oldest row first; yield each once it is committed, or refused.

    Goes on after one that is refused, and waits for a busy thread once: an erasure may hold it for days, with many
    archives. Raise ArchiveUnavailable or ArchiveNotConfigured: nothing more can be done now.
    """
    last, tried, busy = 0, 0, set[str]()
    while some := list(wanted(among).filter(pk__gt=last).order_by("pk").values_list("pk", "thread_id")[:AT_ONCE]):
        for last, thread_id in some:
            if most is not None and tried >= most:
                return
            tried += 1
            try:
                if reseal(last, actor, now, patience=0.0 if thread_id in busy else PATIENCE):
                    yield Resealed(last)
            except NEXT_TIME_TOO:
                raise
            except ArchiveError as error:
                busy |= {thread_id} if isinstance(error, ThreadBusy) else set()
                yield Resealed(last, error)


def reseal(
    archive_id: int, actor: str, now: Callable[[], datetime] = timezone.now, *, patience: float = PATIENCE
) -> bool:
    """Seal one archive with the key that writes now. Audited. False where it has it, or is not stored any more.

    `patience`: for how many seconds a busy thread is waited for.

    Raise ArchiveUnavailable, ArchiveNotConfigured, ArchiveDamaged, ArchiveKeyMissing, ThreadBusy or ThreadChanged:
    then it is as it was, and can be read as before.
    """
    found = wanted().filter(pk=archive_id).values_list("thread_id", flat=True).first()
    if found is None:
        return False
    lease, _ = threads.take_patiently(found, patience)
    try:
        archive = wanted().filter(pk=archive_id).first()
        if archive is None:
            return False
        _reseal(lease, archive, actor, now)
    except ArchiveError as error:
        announce(ArchiveFailed(found, error.reason))
        raise
    finally:
        threads.release(lease)
    announce(ArchiveResealed(found, archive.message_count))
    return True


def _reseal(lease: Lease, archive: Archive, actor: str, now: Callable[[], datetime]) -> None:
    document = _opened(archive)
    sealed = seal(document)
    new = _announced(lease, archive, sealed, now())
    try:
        storage.write(new.name, sealed.content)
        threads.renew(lease)  # writing and reading may each take most of a minute
        _verify(new, document)
        old = _commit(lease, archive, new, actor, now())
    except ArchiveError:
        with suppress(ArchiveError):  # where the storage is away too, the next run or the sweep removes it
            left_over.remove(new)
        raise
    with suppress(ArchiveUnavailable):
        left_over.remove(old)


def _opened(archive: Archive) -> bytes:
    """The document's bytes, found right. Raise ArchiveUnavailable, ArchiveDamaged or ArchiveKeyMissing."""
    content = storage.read(archive.name)
    reading.checked(archive, content)
    return unseal(Sealed(content, archive.key_id))


def _announced(lease: Lease, archive: Archive, sealed: Sealed, at: datetime) -> Archive:
    """The row that names the new file, committed before there is one."""
    file = {
        "name": name_of(lease.memory_id, archive.thread_id, at, sealed.suffix),
        "size_bytes": len(sealed.content),
        "sha256": hashlib.sha256(sealed.content).hexdigest(),
        "key_id": sealed.key_id,
    }
    with transaction.atomic():
        threads.renew(lease)
        return _beside(archive, file, at)


def _beside(archive: Archive, file: Mapping[str, object], at: datetime) -> Archive:
    """A row about the same messages, for a file that nothing relies on."""
    about = {name: getattr(archive, name) for name in ABOUT}
    return Archive.objects.create(**about, **file, created_at=at)


def _verify(new: Archive, document: bytes) -> None:
    """Read the new file back, and compare what is in it with what was in the old one."""
    if _opened(new) != document:
        raise ArchiveDamaged("what was read back is not what was written")


def _commit(lease: Lease, archive: Archive, new: Archive, actor: str, at: datetime) -> Archive:
    """The archive gets the new file; return the row of the old one, which nothing relies on any more."""
    old_file, new_file = ({name: getattr(row, name) for name in FILE} for row in (archive, new))
    with transaction.atomic():
        threads.renew(lease)
        Archive.objects.filter(pk=new.pk).delete()  # first: a name is unique
        as_it_was = Archive.objects.filter(pk=archive.pk, state=Archive.State.STORED, **old_file)
        if not as_it_was.update(**new_file, verified_at=at):
            raise ThreadChanged("the archive was deleted while it was sealed anew")
        details = {"archive": archive.pk, "thread_id": archive.thread_id, "from": archive.key_id, "to": new.key_id}
        AuditEntry.objects.create(actor=actor, action="archive.reseal", details=details)
        return _beside(archive, old_file, at)
