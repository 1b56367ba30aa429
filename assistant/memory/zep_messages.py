"""How a message looks when it goes to Zep: made from ids, a role and redacted text alone. No I/O."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from zep_python import Message

from assistant.memory.redacted import RedactedText

LATE = {"late": True}  # it was a dead letter: messages after it in the thread may have come before it


class PlainMessage(Message):
    """The library's message, holding nothing but what JSON has: it may go out as it is.

    Validating it, and walking it twice to find what needs encoding, took a fifth of the worker's time for a message.
    """

    def dict(self, **_: Any) -> dict[str, Any]:
        return {
            "uuid": self.uuid_,
            "role": self.role,
            "role_type": self.role_type,
            "content": self.content,
            "metadata": self.metadata,
        }

    class Config:
        json_encoders: ClassVar = {dict: lambda known: known}  # pydantic's hook: the library asks it first


@dataclass(frozen=True)
class OutgoingMessage:
    """One message, or one part of a long one, as it goes to Zep. Metadata is made from these fields alone."""

    uuid: UUID
    role: str
    text: RedactedText
    client_msg_id: UUID
    part: int = 1
    parts: int = 1
    is_late: bool = False

    def to_zep(self) -> Message:
        """The library's message."""
        metadata: dict[str, object] = {"client_msg_id": str(self.client_msg_id), "redacted": self.text.policy}
        if self.parts > 1:
            metadata |= {"part": self.part, "parts": self.parts}
        if self.is_late:
            metadata |= LATE
        return PlainMessage.construct(
            uuid=str(self.uuid), role=self.role, role_type=self.role, content=self.text.text, metadata=metadata
        )
