"""A keyed hash of what was said, kept where the text was: so a replay can be told from another message.

Keyed, because a telephone number could be guessed from a plain hash. After SECRET_KEY was changed the old one belongs
into SECRET_KEY_FALLBACKS; where no key fits any more, the file alone decides.
"""

import hmac
from functools import lru_cache

from django.conf import settings

PURPOSE = b"easy-islanders.archive.text-digest.v1"


def digest_of(text: str) -> str:
    """What is kept of a text; empty where this process has made its key up and nobody could ask again."""
    return _digest(settings.SECRET_KEY, text) if settings.SECRET_KEY_IS_SET else ""


def may_be(text: str, digest: str) -> bool:
    """Whether the digest is the text's; an empty one says nothing, so it may be."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return not digest or any(hmac.compare_digest(_digest(key, text), digest) for key in keys)


def _digest(key: str, text: str) -> str:
    return hmac.digest(_derived(key), text.encode("utf-8", "surrogatepass"), "sha256").hex()


@lru_cache(maxsize=8)
def _derived(key: str) -> bytes:
    return hmac.digest(key.encode(), PURPOSE, "sha256")
