"""The files of archives, through Django's storage API: written once, read whole, removed. Knows no format and no row.

Whatever a storage raises becomes ArchiveUnavailable, with the kind of the error alone: its text may hold addresses.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from django.utils.deconstruct import deconstructible

from assistant.archive.errors import ArchiveDamaged, ArchiveUnavailable

ALIAS = "archive"
PARTIAL = ".part"


@deconstructible(path="assistant.archive.storage.LocalFolder")
class LocalFolder(FileSystemStorage):
    """A folder of this machine. A file is there whole or not at all, and stays through a power cut."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        folder = Path(self.location)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, partial = folder / name, folder / f"{name}{PARTIAL}"
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content.read())
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(folder)
        return name

    def names(self, prefix: str) -> list[str]:
        """The files whose names begin so."""
        return [name for name in self.listdir("")[1] if name.startswith(prefix)]

    def delete(self, name: str) -> None:
        super().delete(name)
        Path(self.path(f"{name}{PARTIAL}")).unlink(missing_ok=True)  # of a run that was killed while it wrote
        with suppress(FileNotFoundError):
            _sync_folder(Path(self.location))


def write(name: str, content: bytes) -> None:
    """Store a new file. Raise ArchiveUnavailable."""
    with _translated():
        kept_as = _storage().save(name, ContentFile(content))
    if kept_as != name:
        remove(kept_as)
        raise ArchiveUnavailable("the storage has a file of this name already")


def read(name: str) -> bytes:
    """The file's bytes. Raise ArchiveUnavailable, or ArchiveDamaged where there is none."""
    try:
        with _translated(), _storage().open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        raise ArchiveDamaged("its file is missing") from None


def remove(name: str) -> None:
    """Remove the file; that it is gone already is no error. Raise ArchiveUnavailable."""
    with suppress(FileNotFoundError), _translated():
        _storage().delete(name)


def exists(name: str) -> bool:
    """Whether there is such a file. Raise ArchiveUnavailable."""
    with _translated():
        return _storage().exists(name)


def names(prefix: str = "") -> list[str]:
    """The files of the storage whose names begin so. Raise ArchiveUnavailable.

    A bucket looks for them itself: it answers for a thousand names at a time, so all of a large one take minutes.
    """
    try:
        with _translated():
            return sorted(_storage().names(prefix))
    except FileNotFoundError:  # nothing was archived yet
        return []


class ArchiveStorage(Protocol):
    """What is used of Django's storages, and what they cannot do: to look for names."""

    def save(self, name: str, content: "ContentFile[bytes]") -> str: ...
    def open(self, name: str) -> "File[bytes]": ...
    def delete(self, name: str) -> None: ...
    def exists(self, name: str) -> bool: ...
    def names(self, prefix: str) -> list[str]: ...


def _storage() -> ArchiveStorage:
    return cast(ArchiveStorage, storages[ALIAS])


def _sync_folder(folder: Path) -> None:
    """A name is safe once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:  # noqa: BLE001  # each storage has errors of its own, and they all mean this
        raise ArchiveUnavailable(f"the storage failed: {type(error).__name__}") from None
