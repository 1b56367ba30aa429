"""The files of archives, through Django's storage API: written once, read whole, removed. Knows no format and no row.

In a storage that is not the one archives were put into nothing is written, and nothing counts as gone: see `marks`.
"""

import os
from contextlib import suppress
from pathlib import Path

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from assistant.archive import marks
from assistant.archive.backend import configured, translated
from assistant.archive.errors import ArchiveDamaged, ArchiveUnavailable

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

    def has_mark(self, name: str) -> bool:
        """Looked for each time: a folder may be unmounted at any moment, and looking takes microseconds."""
        return self.exists(name)

    def delete(self, name: str) -> None:
        super().delete(name)
        Path(self.path(f"{name}{PARTIAL}")).unlink(missing_ok=True)  # of a run that was killed while it wrote
        with suppress(FileNotFoundError):
            _sync_folder(Path(self.location))


def write(name: str, content: bytes) -> None:
    """Store a new file. Raise ArchiveUnavailable."""
    marks.secure()
    with translated():
        kept_as = configured().save(name, ContentFile(content))
    if kept_as != name:
        remove(kept_as)
        raise ArchiveUnavailable("the storage has a file of this name already")


def read(name: str) -> bytes:
    """The file's bytes. Raise ArchiveUnavailable, or ArchiveDamaged where the right storage has none."""
    try:
        with translated(), configured().open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        marks.check()
        raise ArchiveDamaged("its file is missing") from None


def remove(name: str) -> None:
    """Remove the file; that the right storage has none any more is no error. Raise ArchiveUnavailable."""
    marks.secure()
    with suppress(FileNotFoundError), translated():
        configured().delete(name)
    marks.check()  # it may have been unmounted in between


def exists(name: str) -> bool:
    """Whether there is such a file. Raise ArchiveUnavailable."""
    with translated():
        return configured().exists(name)


def names(prefix: str = "") -> list[str]:
    """The archives of the storage whose names begin so. Raise ArchiveUnavailable.

    A bucket looks for them itself: it answers for a thousand names at a time, so all of a large one take minutes.
    """
    marks.check()
    try:
        with translated():
            found = sorted(name for name in configured().names(prefix) if not marks.is_mark(name))
    except FileNotFoundError:  # nothing was archived yet
        found = []
    marks.check()  # it may have been unmounted in between
    return found


def _sync_folder(folder: Path) -> None:
    """A name is safe once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
