"""The storage of archives: does it take a file and give it back, and are archives encrypted."""

import uuid

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from assistant.doctor.findings import Finding, failed, ok, skipped, warning

NAME = "archive"
ALIAS = "archive"


def look() -> list[Finding]:
    """A small file of its own is written, read and deleted; there is nobody's text in it."""
    if ALIAS not in settings.STORAGES:
        return [skipped(NAME, "This release archives nothing.")]
    return [_storage(storages[ALIAS]), _encryption()]


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
