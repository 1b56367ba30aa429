"""Reading an archive's file for what it holds, checked against its row first. Changes nothing."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from assistant.archive import document, storage
from assistant.archive.document import EMPTIED, Document
from assistant.archive.errors import ArchiveDamaged, ArchiveExpired
from assistant.archive.sealing import Sealed, unseal
from assistant.models import Archive, Message


def opened(archive: Archive) -> Document:
    """The archive's document. Raise ArchiveExpired, ArchiveUnavailable, ArchiveKeyMissing or ArchiveDamaged."""
    if archive.state == Archive.State.EXPIRED:
        raise ArchiveExpired("it was deleted when its time was over")
    return checked(archive, storage.read(archive.name))


def checked(archive: Archive, content: bytes) -> Document:
    """The document of a file's bytes, if they are what the row says. Raise ArchiveKeyMissing or ArchiveDamaged."""
    if len(content) != archive.size_bytes or hashlib.sha256(content).hexdigest() != archive.sha256:
        raise ArchiveDamaged(f"its checksum is wrong: {len(content)} bytes, {archive.size_bytes} were stored")
    found = document.read(unseal(Sealed(content, archive.key_id)))
    if found.thread_id != archive.thread_id:
        raise ArchiveDamaged("it is the archive of another thread")
    if len(found.history) != archive.message_count:
        raise ArchiveDamaged(f"it holds {len(found.history)} messages, not {archive.message_count}")
    return found


def messages(found: Document) -> Iterator[dict[str, Any]]:
    """The columns of each of its messages, oldest first. Raise ArchiveDamaged."""
    return map(document.message, found.history)


def is_still_so(archive: Archive) -> bool:
    """Whether the archive's row is as it was when it was read.

    Where it is not, a missing file is no damage: a restored archive has none, and one that was sealed anew another.
    """
    as_it_was = {name: getattr(archive, name) for name in ("pk", "state", "name", "sha256")}
    return Archive.objects.filter(**as_it_was).exists()


def fill_in(*rows: Message | None) -> None:
    """Give archived rows, in memory, what was taken out of them. One read for each archive. Raise ArchiveError."""
    archived = [row for row in rows if row is not None and row.archive_id is not None]
    archived.sort(key=lambda row: row.archive_id or 0)
    for archive_id, group in groupby(archived, key=lambda row: row.archive_id or 0):
        _fill_in(archive_id, list(group))


def _fill_in(archive_id: int, rows: Sequence[Message]) -> None:
    archive = _row(archive_id)
    while archive is not None and archive.state != Archive.State.RESTORED:
        try:
            _copy(archive, rows)
        except ArchiveDamaged:
            if is_still_so(archive):
                raise
            archive = _row(archive_id)
        else:
            return
    _look_again(rows)  # it was restored since they were read


def _row(archive_id: int) -> Archive | None:
    return Archive.objects.filter(pk=archive_id).first()


def _copy(archive: Archive, rows: Sequence[Message]) -> None:
    wanted = {row.pk: row for row in rows}
    for columns in messages(opened(archive)):
        if row := wanted.get(columns["id"]):
            for name in EMPTIED:
                setattr(row, name, columns[name])


def _look_again(rows: Sequence[Message]) -> None:
    for row in rows:
        row.refresh_from_db(fields=[*EMPTIED, "archive"])
