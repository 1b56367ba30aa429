"""What can be proved about one message: saved here, redacted, sent, accepted, and read back from Zep just now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from assistant import loops
from assistant.memory import outgoing
from assistant.memory.errors import ZepRequestError
from assistant.memory.flags import MemoryMode, base_mode, effective_mode
from assistant.memory.zep_client import zep
from assistant.models import Message, MirrorState


@dataclass(frozen=True)
class Proof:
    """One message's way. `read_back`: `yes`, `no`, or why it could not be asked."""

    client_msg_id: UUID
    thread_id: str
    role: str
    state: str
    saved_at: datetime
    redactions: dict[str, int] | None
    redacted_sha256: str
    attempts: int
    last_error: str
    accepted_at: datetime | None
    zep_uuid: UUID
    read_back: str

    @property
    def holds(self) -> bool:
        """Whether Zep has the message, by our record and by its own word."""
        return self.state == MirrorState.MIRRORED and self.read_back == "yes"


def prove(client_msg_id: UUID, thread_id: str | None = None) -> list[Proof]:
    """The proof of every message with this id: one a user at the most. One call to Zep for each."""
    rows = Message.objects.filter(client_msg_id=client_msg_id)
    rows = rows.filter(thread_id=thread_id) if thread_id else rows
    return [_proof(row) for row in rows.order_by("pk")]


def _proof(row: Message) -> Proof:
    return Proof(
        client_msg_id=row.client_msg_id,
        thread_id=row.thread_id,
        role=row.role,
        state=row.mirror_state,
        saved_at=row.created_at,
        redactions=row.redactions,
        redacted_sha256=row.outgoing_sha256,
        attempts=row.mirror_attempts,
        last_error=row.mirror_error,
        accepted_at=row.mirrored_at,
        zep_uuid=row.zep_id,
        read_back=_read_back(row),
    )


def _reads_are_off() -> bool:
    """Whether the guard forbids what the settings would allow: then no web process reads Zep, whoever asks."""
    return base_mode() is MemoryMode.READ_WRITE and effective_mode() is not MemoryMode.READ_WRITE


def _read_back(row: Message) -> str:
    async def ask() -> str | None:
        return await zep().read_back(row.thread_id, row.zep_id)

    if settings.PROCESS_ROLE == "web" and _reads_are_off():
        return "not asked: reads are off"
    try:
        text = loops.run(ask())
    except ZepRequestError as error:
        return f"not known: {error.reason}"
    if text is None:
        return "no"
    return "yes" if outgoing.is_text_of(row, text) else "another text"
