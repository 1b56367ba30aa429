"""From a document's bytes to the bytes that are stored, and back: gzip, then Fernet. Knows keys; no file, no format.

`ARCHIVE_ENCRYPTION_KEY` may list several keys: the first encrypts, all decrypt, so a key is changed by putting a new
one in front. The same document gives the same compressed bytes: gzip writes no time. What does not fit into memory is
sealed in pieces, with the same keys: `sealed_stream`.
"""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from assistant.archive.errors import ArchiveDamaged, ArchiveKeyMissing, ArchiveNotConfigured

COMPRESSION_LEVEL = 6
KEY_NAME_LENGTH = 12
MOST_BYTES = 512 * 1024 * 1024  # of an opened document: more is no archive of ours


@dataclass(frozen=True)
class Key:
    """A key that is ready to use. `name` gives nothing of it away."""

    name: str
    fernet: Fernet = field(repr=False)


@dataclass(frozen=True)
class Sealed:
    """What is stored. `key_id` names the key without telling it; empty: not encrypted."""

    content: bytes
    key_id: str

    @property
    def suffix(self) -> str:
        return ".json.gz.enc" if self.key_id else ".json.gz"


def seal(document: bytes) -> Sealed:
    """Compress and, where encryption is on, encrypt. Raise ArchiveNotConfigured where it is on without a key."""
    packed = gzip.compress(document, COMPRESSION_LEVEL, mtime=0)
    key = writing_key()
    return Sealed(key.fernet.encrypt(packed), key.name) if key else Sealed(packed, "")


def unseal(sealed: Sealed) -> bytes:
    """The document. Raise ArchiveKeyMissing or ArchiveDamaged."""
    return _unpacked(_decrypted(sealed.content, sealed.key_id) if sealed.key_id else sealed.content)


def key_id(key: str) -> str:
    """A name for a key that gives nothing of it away."""
    return hashlib.sha256(f"archive-key:{key}".encode()).hexdigest()[:KEY_NAME_LENGTH]


def writing_key_id() -> str:
    """The key that new archives are encrypted with; empty where they are not, or none is set."""
    return key_id(_keys()[0]) if settings.ARCHIVE_ENCRYPTION and _keys() else ""


def writing_key() -> Key | None:
    """The key that encrypts; None where encryption is off. Raise ArchiveNotConfigured where it is on without a key."""
    if not settings.ARCHIVE_ENCRYPTION:
        return None
    keys = _keys()
    if not keys:
        raise ArchiveNotConfigured("ARCHIVE_ENCRYPTION_KEY is not set")
    return Key(key_id(keys[0]), Fernet(keys[0]))


def key_called(name: str) -> Key:
    """The key that was used to encrypt, whichever place it has now. Raise ArchiveKeyMissing."""
    for key in _keys():
        if key_id(key) == name:
            return Key(name, Fernet(key))
    raise ArchiveKeyMissing(f"it was encrypted with key {name}, which ARCHIVE_ENCRYPTION_KEY does not hold")


def _decrypted(token: bytes, wanted: str) -> bytes:
    try:
        return key_called(wanted).fernet.decrypt(token)
    except InvalidToken:
        raise ArchiveDamaged("it cannot be decrypted: it was tampered with, or cut short") from None


def _keys() -> Sequence[str]:
    keys: Sequence[str] = settings.ARCHIVE_ENCRYPTION_KEY
    return keys


def _unpacked(packed: bytes) -> bytes:
    """Decompress with a bound, so that a small hostile file cannot fill the memory."""
    inflate = zlib.decompressobj(wbits=31)
    try:
        document = inflate.decompress(packed, MOST_BYTES)
    except zlib.error:
        raise ArchiveDamaged("it cannot be decompressed") from None
    if not inflate.eof or inflate.unused_data:
        raise ArchiveDamaged("it is cut short, too large, or something follows it")
    return document
