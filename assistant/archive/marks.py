"""Whether the storage is the one that archives were put into: it holds a mark, a file whose name the database knows.

A folder that is not mounted is an empty one, and another bucket has no file of ours either: what is looked for there
would all count as gone. So nothing is written, and nothing counts as gone, where the mark is not seen.

The storage of a new installation has no mark, and one from before there were marks neither. It is known by the files
that rows name, of which one of the newest has to be there; where rows name none, none can be missed. Then it is marked.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import QuerySet
from django.utils import timezone

from assistant.archive.backend import configured, translated
from assistant.archive.errors import ArchiveUnavailable
from assistant.models import Archive, AuditEntry, StorageMark

PREFIX = "easy-islanders-"
SAYS = b"An installation of Easy Islanders keeps its archives here, and only where it finds this file: leave it here.\n"
NEWEST = 10  # files that are looked for where there is no mark yet
THE_ONE = 1


@dataclass(frozen=True)
class Seen:
    """What was found. `is_marked`: None where the database knows of no mark yet."""

    is_marked: bool | None
    files_named: int = 0
    newest_found: int = 0

    @property
    def is_right(self) -> bool:
        if self.is_marked is not None:
            return self.is_marked
        return self.newest_found > 0 or self.files_named == 0


def check() -> None:
    """Raise ArchiveUnavailable where the storage is not the right one. Changes nothing."""
    _checked()


def secure() -> None:
    """The same; and one that is right is marked if it is not yet."""
    if _checked() is None:
        _mark()


def look() -> Seen:
    """The same in detail, with the newest files looked for. Raise ArchiveUnavailable."""
    mark, names = _known(), _named()
    with translated():
        found = sum(map(configured().exists, names.order_by("-pk").values_list("name", flat=True)[:NEWEST]))
    return Seen(_has(mark) if mark else None, names.count(), found)


def adopt(actor: str) -> None:
    """Take the storage for the right one from now on: an operator says so. Audited. Raise ArchiveUnavailable."""
    seen = look()
    _mark()
    details = {"was_right": seen.is_right, "files_named": seen.files_named, "newest_found": seen.newest_found}
    AuditEntry.objects.create(actor=actor, action="archive.adopt", details=details)


def is_mark(name: str) -> bool:
    """Whether a file is a mark, of this installation or of another: no archive is called so."""
    return name.startswith(PREFIX)


def _checked() -> StorageMark | None:
    """The mark that was seen. One query and one look; more where there is none yet."""
    mark = _known()
    if not (_has(mark) if mark else look().is_right):
        missing = "its mark is missing" if mark else "none of the newest files is there"
        raise ArchiveUnavailable(f"it is not the storage that archives were put into: {missing}")
    return mark


def _known() -> StorageMark | None:
    """The mark that the storage has to hold; None where none was put there yet."""
    return StorageMark.objects.filter(pk=THE_ONE, written_at__isnull=False).first()


def _named() -> QuerySet[Archive, Any]:
    """Archives whose files have to be there. One that is being written may have none."""
    return Archive.objects.filter(file_removed_at=None).exclude(state=Archive.State.WRITING)


def _has(mark: StorageMark) -> bool:
    with translated():
        return configured().has_mark(_name_of(mark))


def _mark() -> None:
    """Two processes that do this at once write one file: its name is in the row, of which there is one."""
    StorageMark.objects.bulk_create([StorageMark(pk=THE_ONE)], ignore_conflicts=True)
    mark = StorageMark.objects.get(pk=THE_ONE)
    _write(_name_of(mark))
    StorageMark.objects.filter(pk=THE_ONE, written_at=None).update(written_at=timezone.now())


def _write(name: str) -> None:
    storage = configured()
    with suppress(FileNotFoundError), translated():  # another process took the file that was being written
        if not storage.exists(name) and (kept_as := storage.save(name, ContentFile(SAYS))) != name:
            storage.delete(kept_as)
    with translated():
        if not storage.exists(name):
            raise ArchiveUnavailable("the storage does not keep what is put into it")


def _name_of(mark: StorageMark) -> str:
    return f"{PREFIX}{mark.mark}"
