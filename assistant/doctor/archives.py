"""The storage of archives: is it the right one, does it take a file and give it back, are archives encrypted."""

import uuid

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import DatabaseError

from assistant.archive import marks
from assistant.archive.errors import ArchiveUnavailable
from assistant.doctor.findings import RUNBOOK, Finding, failed, ok, skipped, warning

NAME = "archive"
ALIAS = "archive"


def look() -> list[Finding]:
    """A small file of its own is written, read and deleted; there is nobody's text in it."""
    if ALIAS not in settings.STORAGES:
        return [skipped(NAME, "This release archives nothing.")]
    return [_right_one() or _storage(storages[ALIAS]), _encryption()]


def _right_one() -> Finding | None:
    """None where it is. Nothing is put into another one, which may be the empty place where a folder is mounted."""
    try:
        seen = marks.look()
    except (ArchiveUnavailable, DatabaseError):  # trying the storage says more, and `database` of the other
        return None
    if seen.is_right:
        return None
    found = (
        "It is not the storage that archives were put into: "
        f"{'its mark is missing' if seen.is_marked is False else 'it has no mark'}, and of the newest files "
        f"{seen.newest_found} are there ({seen.files_named} are somewhere). Nothing is archived, and no erasure ends."
    )
    todo = f"Mount ARCHIVE_DIR, or name the right bucket and prefix; {RUNBOOK}archivefailing"
    return failed(NAME, found, todo)


def _storage(storage: Storage) -> Finding:
    name, content = f"doctor-{uuid.uuid4()}", b"Can be deleted."
    todo = "Look at ARCHIVE_DIR (is it there, may this user write, is its disk full?), or at the bucket and its keys."
    try:
        kept = storage.save(name, ContentFile(content))
        try:
            with storage.open(kept) as file:
                came_back = file.read()
        finally:
            storage.delete(kept)
    except Exception as error:  # noqa: BLE001  # the boundary: each storage has errors of its own
        return failed(NAME, f"The storage does not work: {type(error).__name__}.", todo)
    return (
        ok(NAME, "The storage takes files and gives them back.")
        if came_back == content
        else failed(NAME, "The storage gives back something else than it was given.", todo)
    )


def _encryption() -> Finding:
    if settings.ARCHIVE_ENCRYPTION and not settings.ARCHIVE_ENCRYPTION_KEY:
        return failed(NAME, "There is no key: workers do not start.", "Set ARCHIVE_ENCRYPTION_KEY.")
    if settings.ARCHIVE_ENCRYPTION:
        return ok(NAME, "Archives are encrypted.")
    return warning(NAME, "Archives are not encrypted.", "Set ARCHIVE_ENCRYPTION=true and ARCHIVE_ENCRYPTION_KEY.")
