"""Text that may leave the system. Holding a `RedactedText` is the proof that redaction ran; raw text has no way in."""

from collections.abc import Mapping
from typing import Final, final

from django.conf import settings

from assistant.errors import EasyIslandersError
from assistant.memory.pii import redact_pii

LONGEST_SPAN = 320  # characters of an e-mail address (RFC 5321: 64, the sign, 255): what a cut may go through


class RedactionFailed(EasyIslandersError):
    """The text could not be redacted, and so may not be used outside."""


# Counted up when redaction learns to find more: what went out before is then looked at again on its way back.
RULES = 3


def policy() -> str:
    """Which types are redacted now, and by which rules, as a word that is kept with what was redacted."""
    flags = {
        "email": settings.PII_REDACT_EMAIL,
        "phone": settings.PII_REDACT_PHONE,
        "address": settings.PII_REDACT_ADDRESS,
    }
    return "+".join([*(kind for kind, is_on in flags.items() if is_on), f"r{RULES}"])


@final
class RedactedText:
    """A text without the personal data that the settings tell us to take out.

    `RedactedText(raw)` redacts, or raises RedactionFailed, so nothing is sent. `counts`: how many spans were
    replaced, by type. `policy`: by which it was redacted.
    """

    __slots__ = ("counts", "policy", "text")

    def __init__(self, raw: str) -> None:
        try:
            result = redact_pii(
                raw,
                redact_email=settings.PII_REDACT_EMAIL,
                redact_phone=settings.PII_REDACT_PHONE,
                redact_address=settings.PII_REDACT_ADDRESS,
            )
        except Exception:  # noqa: BLE001  # whatever breaks in redaction, the text goes nowhere; and the error may not quote it
            raise RedactionFailed from None
        self.text: Final[str] = result["text"]
        self.counts: Final[Mapping[str, int]] = {kind: count for kind, count in result["redactions"].items() if count}
        self.policy: Final[str] = policy()

    @classmethod
    def from_outbox(cls, redacted: str, policy_then: str) -> "RedactedText":
        """Take back a part that was redacted before it was stored for sending, byte for byte."""
        known = object.__new__(cls)
        object.__setattr__(known, "text", redacted)
        object.__setattr__(known, "counts", {})
        object.__setattr__(known, "policy", policy_then)
        return known

    def __repr__(self) -> str:
        return f"RedactedText({len(self.text)} characters)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RedactedText) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def redacted_opening(text: str, limit: int) -> str:
    """At most `limit` characters of the redacted text. Raise RedactionFailed.

    It is cut after redaction, for half a number would not be found; and only a little more than `limit` is looked at,
    so that the work is bounded.
    """
    if len(text) <= limit + LONGEST_SPAN:
        return RedactedText(text).text[:limit]
    opening = RedactedText(text[: limit + LONGEST_SPAN]).text
    return opening[: max(0, min(limit, len(opening) - LONGEST_SPAN))]
