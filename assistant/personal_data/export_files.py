"""Exports as files below `EXPORT_DIR`, readable by this account alone. Knows no rows and no content.

`{id}.zip.enc` is sealed with the keys of archives, from its first byte on; `{id}.zip`, made where encryption was off,
is not. Both are written and read in pieces.
"""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol, cast

from django.conf import settings

from assistant.archive.errors import ArchiveDamaged
from assistant.archive.sealed_stream import PIECE, Opener, Sealer, throwaway_key
from assistant.archive.sealing import writing_key

ONLY_US = 0o700
SPOOLED_BYTES = 1024 * 1024  # what an export may take of memory; more goes to a file without a name
SEALED, CLEAR = ".zip.enc", ".zip"
WHILE_IT_GOES_OUT = "at once"


class Out(Protocol):
    """Where an export is written to, from its beginning to its end."""

    def write(self, content: bytes, /) -> int: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Ready(Protocol):
    """A finished export. `read` gives the next piece, empty at its end, or raises ArchiveDamaged."""

    size: int

    def read(self) -> bytes: ...
    def close(self) -> None: ...


def paths_of(name: str) -> tuple[Path, Path]:
    """Where a finished export lies: the sealed file, and the one that is not."""
    return _folder() / f"{name}{SEALED}", _folder() / f"{name}{CLEAR}"


def make(name: str, write: Callable[[Out], None]) -> int | None:
    """Write the file under another name, then give it its own; its content's size. None where it was removed meanwhile.

    Each writer has a name of its own: one that is slower than its claim is not written over by the next, and finds its
    file gone. Raise ArchiveNotConfigured.
    """
    key = writing_key()
    sealed, clear = paths_of(name)
    mine, other = (sealed, clear) if key else (clear, sealed)
    _remove_parts(name)
    part = _folder() / f"{name}.{secrets.token_hex(8)}.part"
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            out = Sealer(file, key, name) if key else file
            write(out)
            size = out.finish() if isinstance(out, Sealer) else file.tell()
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            part.replace(mine)
            other.unlink(missing_ok=True)
            return size
        return None
    finally:
        part.unlink(missing_ok=True)


def made_at_once(write: Callable[[Out], None]) -> Ready:
    """The export in a file without a name, sealed with a key that nobody keeps: what a disk has of it is nothing."""
    spooled = tempfile.SpooledTemporaryFile(SPOOLED_BYTES, dir=str(_folder()))  # noqa: SIM115  # the reader's to close
    file, key = cast(IO[bytes], spooled), throwaway_key()
    with _closed_on_error(file):
        out = Sealer(file, key, WHILE_IT_GOES_OUT)
        write(out)
        out.finish()
        return Opener(file, WHILE_IT_GOES_OUT, key)


def opened(name: str, size: int) -> Ready:
    """The finished export, of `size` bytes. Raise ArchiveKeyMissing, or ArchiveDamaged where it is not there whole."""
    sealed, clear = paths_of(name)
    try:
        file = sealed.open("rb") if sealed.exists() else clear.open("rb")
    except FileNotFoundError:
        raise ArchiveDamaged("its file is missing") from None
    with _closed_on_error(file):
        found: Ready = Opener(file, name) if Path(file.name) == sealed else _Clear(file)
        _demand_size(found, size)
        return found


def remove(name: str) -> None:
    """Remove the file, finished or half made."""
    _remove_parts(name)
    for path in paths_of(name):
        path.unlink(missing_ok=True)


def names() -> set[str]:
    """Whose files there are, finished or half made."""
    patterns = (f"*{SEALED}", f"*{CLEAR}", "*.part")
    return {path.name.partition(".")[0] for pattern in patterns for path in _folder().glob(pattern)}


class _Clear:
    """An export that is not sealed, piece by piece."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.size = file, os.fstat(file.fileno()).st_size

    def read(self) -> bytes:
        return self._file.read(PIECE)

    def close(self) -> None:
        self._file.close()


def _demand_size(found: Ready, size: int) -> None:
    if found.size != size:
        raise ArchiveDamaged(f"it has {found.size} bytes, {size} were written")


@contextmanager
def _closed_on_error(file: IO[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        file.close()
        raise


def _remove_parts(name: str) -> None:
    """Of writers that were killed, or overtaken."""
    for path in _folder().glob(f"{name}.*part"):
        path.unlink(missing_ok=True)


def _folder() -> Path:
    folder: Path = settings.EXPORT_DIR
    folder.mkdir(mode=ONLY_US, parents=True, exist_ok=True)
    return folder
