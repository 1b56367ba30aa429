"""Content of any size, sealed and opened in pieces of 64 KiB: Fernet tokens in a row. Knows no rows and no folders.

    magic, key's name, salt | token | token | ... | last token

In each token, before its content: a hash of the head and of what the file is called, the token's number, and whether
it is the last. So none can be missing, stand elsewhere, follow the last, or come from another file: the construction
is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption, CRYPTO 2015). All tokens but the last
are of one length, so the last is found, and the content's size known, without reading the others.
"""

import hashlib
import os
import secrets
import struct
from typing import IO

from cryptography.fernet import Fernet, InvalidToken

from assistant.archive.errors import ArchiveDamaged
from assistant.archive.sealing import KEY_NAME_LENGTH, Key, key_called

MAGIC = b"EIsealed1\n"  # another layout, or another size of pieces, is another number
HEAD = struct.Struct(f">{len(MAGIC)}s{KEY_NAME_LENGTH}s16s")
LABEL = struct.Struct(">32sQ?")
PIECE = 64 * 1024


def throwaway_key() -> Key:
    """A key for what this process alone reads again: it is kept nowhere."""
    return Key("-" * KEY_NAME_LENGTH, Fernet(Fernet.generate_key()))


class Sealer:
    """Seals what is written to it into `out`. Without `finish` the file is refused, as cut short.

    `name`: what the file is called; under another name it is refused too.
    """

    def __init__(self, out: IO[bytes], key: Key, name: str) -> None:
        self._out, self._fernet = out, key.fernet
        self._waiting, self._sealed = bytearray(), 0
        head = HEAD.pack(MAGIC, key.name.encode(), secrets.token_bytes(16))
        self._binding = _binding(head, name)
        out.write(head)

    def write(self, content: bytes, /) -> int:
        self._waiting += content
        while len(self._waiting) > PIECE:  # something always waits: only `finish` knows which token is the last
            self._seal(bytes(self._waiting[:PIECE]), is_last=False)
            del self._waiting[:PIECE]
        return len(content)

    def flush(self) -> None:
        """Only whole tokens are written."""

    def close(self) -> None:
        """Says nothing: `finish` does."""

    def finish(self) -> int:
        """Say that this was all; how many bytes it was."""
        size = self._sealed * PIECE + len(self._waiting)
        self._seal(bytes(self._waiting), is_last=True)
        return size

    def _seal(self, content: bytes, *, is_last: bool) -> None:
        self._out.write(self._fernet.encrypt(LABEL.pack(self._binding, self._sealed, is_last) + content))
        self._sealed += 1


class Opener:
    """Reads such a file piece by piece; `size` is its content's.

    Its ends are checked at once. Raise ArchiveKeyMissing; or ArchiveDamaged where it is cut short, something follows
    it, it is another file's, or tampered with there. `key`: where none of the configured ones sealed it.
    """

    def __init__(self, file: IO[bytes], name: str, key: Key | None = None) -> None:
        self._file, self._next = file, 0
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(HEAD.size)
        self._binding = _binding(head, name)
        self._fernet = (key or _key_of(head)).fernet
        self._last = max(0, length - HEAD.size - 1) // WHOLE_TOKEN
        self.size = self._last * PIECE + len(self._opened(self._last))
        self._opened(0)

    def read(self) -> bytes:
        """The next piece; empty after the last. Raise ArchiveDamaged."""
        if self._next > self._last:
            return b""
        content = self._opened(self._next)
        self._next += 1
        return content

    def close(self) -> None:
        self._file.close()

    def _opened(self, number: int) -> bytes:
        self._file.seek(HEAD.size + number * WHOLE_TOKEN)
        token = self._file.read(WHOLE_TOKEN)
        try:
            opened = self._fernet.decrypt(token)
        except InvalidToken:
            raise ArchiveDamaged(f"piece {number} was tampered with, or cut short") from None
        content = opened[LABEL.size :]
        if opened[: LABEL.size] != LABEL.pack(self._binding, number, number == self._last):
            raise ArchiveDamaged(f"piece {number} is of another file or place, or not the last")
        if len(token) != _token_length(len(content)):  # base64 ignores what is none
            raise ArchiveDamaged(f"something follows piece {number}")
        return content


def _binding(head: bytes, name: str) -> bytes:
    return hashlib.sha256(head + name.encode()).digest()


def _key_of(head: bytes) -> Key:
    magic, name, _ = HEAD.unpack(head.ljust(HEAD.size, b"\0"))
    if magic != MAGIC or not name.isalnum():
        raise ArchiveDamaged("its beginning is not that of a sealed file")
    return key_called(name.decode())


def _token_length(content: int) -> int:
    """Of Fernet's specification: version, time, IV, content padded to blocks of 16, HMAC; all of it in base64."""
    encrypted = (LABEL.size + content) // 16 * 16 + 16
    return (1 + 8 + 16 + encrypted + 32 + 2) // 3 * 4


WHOLE_TOKEN = _token_length(PIECE)
