"""What stands for a thread where its id may not be written: in logs and names of files. Knows no row.

Ids that the server made are UUIDs and say nothing. One that its user chose may be a name or a date of birth: a hash
stands for it, keyed, because a name could be guessed from a plain one. After SECRET_KEY was changed the old one belongs
into SECRET_KEY_FALLBACKS. A process without SECRET_KEY has one of its own, and stand-ins that nobody else has.
"""

import hashlib
import hmac
import re
from functools import lru_cache

from django.conf import settings

PURPOSE = b"easy-islanders.thread-stand-in.v1"
MADE_BY_THE_SERVER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MARK, LENGTH = "t-", 24


def digest_of(thread_id: str) -> str:
    """What is kept of an erased thread's id."""
    return hashlib.sha256(f"thread:{thread_id}".encode()).hexdigest()


def name_of(thread_id: str) -> str:
    """The id where it says nothing, and what stands for it else."""
    if MADE_BY_THE_SERVER.fullmatch(thread_id):
        return thread_id
    return _stand_in(settings.SECRET_KEY, digest_of(thread_id))


def stand_ins(digest: str) -> list[str]:
    """What may stand for the thread of which this digest is known: with today's key, and with earlier ones."""
    return [_stand_in(key, digest) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _stand_in(key: str, digest: str) -> str:
    return f"{MARK}{hmac.digest(_derived(key), digest.encode(), 'sha256').hex()[:LENGTH]}"


@lru_cache(maxsize=8)
def _derived(key: str) -> bytes:
    return hmac.digest(key.encode(), PURPOSE, "sha256")
