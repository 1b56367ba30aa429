"""Text that may leave the system. Holding a `RedactedText` is the proof that redaction ran; raw text has no way in."""

from collections.abc import Mapping
from typing import Final, final

from django.conf import settings

from assistant.memory.pii import redact_pii


@final
class RedactedText:
    """A text without the personal data that the settings tell us to take out.

    `RedactedText(raw)` redacts; an error while redacting propagates, so nothing is sent. `counts`: how many spans were
    replaced, by type.
    """

    __slots__ = ("counts", "text")

    def __init__(self, raw: str) -> None:
        result = redact_pii(
            raw,
            redact_email=settings.PII_REDACT_EMAIL,
            redact_phone=settings.PII_REDACT_PHONE,
            redact_address=settings.PII_REDACT_ADDRESS,
        )
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
