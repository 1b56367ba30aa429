"""Text that may leave the system. Holding a `RedactedText` is the proof that redaction ran; raw text has no way in."""

from collections.abc import Mapping
from typing import Final, final

from django.conf import settings

from assistant.errors import EasyIslandersError
from assistant.memory.pii import redact_pii


class RedactionFailed(EasyIslandersError):
    """The text could not be redacted, and so may not be used outside."""


def policy() -> str:
    """Which types are redacted now, as a word that is kept with what was redacted."""
    flags = {
        "email": settings.PII_REDACT_EMAIL,
        "phone": settings.PII_REDACT_PHONE,
        "address": settings.PII_REDACT_ADDRESS,
    }
    return "+".join(kind for kind, is_on in flags.items() if is_on) or "none"


@final
class RedactedText:
    """A text without the personal data that the settings tell us to take out.

    `RedactedText(raw)` redacts, or raises RedactionFailed, so nothing is sent. `counts`: how many spans were
    replaced, by type.
    """

    __slots__ = ("counts", "text")

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

    @classmethod
    def from_outbox(cls, redacted: str) -> "RedactedText":
        """Take back a part that was redacted before it was stored for sending, byte for byte."""
        known = object.__new__(cls)
        object.__setattr__(known, "text", redacted)
        object.__setattr__(known, "counts", {})
        return known

    def __repr__(self) -> str:
        return f"RedactedText({len(self.text)} characters)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RedactedText) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)
