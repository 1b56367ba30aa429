"""From a document's bytes to the bytes that are stored, and back: gzip, then Fernet. Knows keys; no file, no format.

`ARCHIVE_ENCRYPTION_KEY` may list several keys: the first encrypts, all decrypt, so a key is changed by putting a new
one in front. The same document gives the same compressed bytes: gzip writes no time.
"""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from assistant.archive.errors import ArchiveDamaged, ArchiveKeyMissing, ArchiveNotConfigured

COMPRESSION_LEVEL = 6
MOST_BYTES = 512 * 1024 * 1024  # of an opened document: more is no archive of ours


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
    if not settings.ARCHIVE_ENCRYPTION:
        return Sealed(packed, "")
    keys = _keys()
    if not keys:
        raise ArchiveNotConfigured("ARCHIVE_ENCRYPTION_KEY is not set")
    return Sealed(Fernet(keys[0]).encrypt(packed), key_id(keys[0]))


def unseal(sealed: Sealed) -> bytes:
    """The document. Raise ArchiveKeyMissing or ArchiveDamaged."""
    return _unpacked(_decrypted(sealed.content, sealed.key_id) if sealed.key_id else sealed.content)


def key_id(key: str) -> str:
    """A name for a key that gives nothing of it away."""
    return hashlib.sha256(f"archive-key:{key}".encode()).hexdigest()[:12]


def writing_key_id() -> str:
    """The key that new archives are encrypted with; empty where they are not, or none is set."""
    return key_id(_keys()[0]) if settings.ARCHIVE_ENCRYPTION and _keys() else ""


def _decrypted(token: bytes, wanted: str) -> bytes:
    key = next((key for key in _keys() if key_id(key) == wanted), None)
    if key is None:
        raise ArchiveKeyMissing(f"it was encrypted with key {wanted}, which ARCHIVE_ENCRYPTION_KEY does not hold")
    try:
        return Fernet(key).decrypt(token)
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
