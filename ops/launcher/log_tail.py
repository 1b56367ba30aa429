"""Follows a growing log file across its rotation. Knows `name`, `name.1`, `name.2`…, not what is in them."""

import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

MOST_BACKUPS = 9


class LogTail:
    """Whole lines as they are written, from where the file ended when the tail was made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BufferedReader | None = open_at_end(path)
        self._partial = b""

    def lines(self) -> list[str]:
        """The lines completed since the last call."""
        read = b"".join(self._chunks())
        *whole, self._partial = (self._partial + read).split(b"\n")
        return [line.decode("utf-8", "replace").rstrip("\r") for line in whole]

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _chunks(self) -> list[bytes]:
        """What is new in the open file, then in the files that took its place."""
        chunks = [self._read()]
        for newer in self._newer():
            chunks.append(self._read())  # written after the read above and before the rotation
            self.close()
            self._file = newer.open("rb")
            chunks.append(self._read())
        return chunks

    def _read(self) -> bytes:
        return self._file.read() if self._file else b""

    def _newer(self) -> list[Path]:
        """The files begun after the open one, oldest first."""
        if not self.path.exists():
            return []
        if self._file is None:
            return [self.path]
        opened = os.fstat(self._file.fileno()).st_ino
        newer: list[Path] = []
        for path in family(self.path):
            if path.stat().st_ino == opened:
                break
            newer.insert(0, path)
        return newer


def family(path: Path) -> Iterator[Path]:
    """The log and its backups that exist, newest first."""
    names = [path.name, *(f"{path.name}.{number}" for number in range(1, MOST_BACKUPS + 1))]
    return (path.with_name(name) for name in names if path.with_name(name).exists())


def open_at_end(path: Path) -> BufferedReader | None:
    if not path.exists():
        return None
    file = path.open("rb")
    file.seek(0, 2)
    return file


def last_lines(path: Path, count: int) -> list[str]:
    """The file's last lines; none when it is absent."""
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
