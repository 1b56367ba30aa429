"""Exports as files: `{id}.zip` below `EXPORT_DIR`, readable by this account alone. Knows no rows and no content."""

import os
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from django.conf import settings

ONLY_US = 0o700
SPOOLED_BYTES = 1024 * 1024  # what an export may take of memory; more goes to a file without a name


def path_of(name: str) -> Path:
    """Where a finished export lies."""
    return _folder() / f"{name}.zip"


def make(name: str, write: Callable[[IO[bytes]], None]) -> int | None:
    """Write the file under another name, then give it its own; its size. None where it was removed meanwhile.

    Each writer has a name of its own: one that is slower than its claim is not written over by the next.
    """
    part = _folder() / f"{name}.{secrets.token_hex(8)}.part"
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    try:
        part.replace(path_of(name))
    except FileNotFoundError:
        return None
    return size


def scratch() -> IO[bytes]:
    """A file without a name, for an export that goes out at once."""
    return cast(IO[bytes], tempfile.SpooledTemporaryFile(SPOOLED_BYTES, dir=str(_folder())))


def remove(name: str) -> None:
    """Remove the file, finished or half made."""
    for path in (path_of(name), *_folder().glob(f"{name}.*part")):
        with suppress(FileNotFoundError):
            path.unlink()


def names() -> set[str]:
    """Whose files there are, finished or half made."""
    return {path.name.partition(".")[0] for path in (*_folder().glob("*.zip"), *_folder().glob("*.part"))}


def _folder() -> Path:
    folder: Path = settings.EXPORT_DIR
    folder.mkdir(mode=ONLY_US, parents=True, exist_ok=True)
    return folder
