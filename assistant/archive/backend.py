"""The storage that is configured, and what is used of it. Knows no file and no row.

Whatever it raises becomes ArchiveUnavailable, with the kind of the error alone: its text may hold addresses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import storages

from assistant.archive.errors import ArchiveUnavailable

ALIAS = "archive"


class ArchiveStorage(Protocol):
    """What is used of Django's storages, and what they cannot do."""

    def save(self, name: str, content: "ContentFile[bytes]") -> str: ...
    def open(self, name: str) -> "File[bytes]": ...
    def delete(self, name: str) -> None: ...
    def exists(self, name: str) -> bool: ...

    def names(self, prefix: str) -> list[str]:
        """The files whose names begin so."""

    def has_mark(self, name: str) -> bool:
        """Whether there is this file; asked again and again, so it has to be cheap."""


def configured() -> ArchiveStorage:
    """The one that the settings name."""
    return cast(ArchiveStorage, storages[ALIAS])


@contextmanager
def translated() -> Iterator[None]:
    """Raise ArchiveUnavailable for everything but a missing file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001  # each storage has errors of its own, and they all mean this
        raise ArchiveUnavailable(f"the storage failed: {type(error).__name__}") from None
