"""What goes in and out of `POST /api/chat/`, and the rules for it."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from assistant.memory.pii import redact_pii

MESSAGE_MAX_CHARACTERS = 8_000
UUID_SHAPE = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise PydanticCustomError("nul_character", "must not contain the NUL character")
    return text


def _without_personal_data(thread_id: str) -> str:
    """Ids are kept and sent unredacted, so what looks like a phone number or an e-mail address may not be one."""
    if UUID_SHAPE.fullmatch(thread_id):
        return thread_id
    spelled_out = re.sub(r"[_-]+", " ", thread_id)
    found = (redact_pii(spelling)["redactions"] for spelling in (thread_id, spelled_out))
    if any(counts["phone"] or counts["email"] for counts in found):
        raise PydanticCustomError("personal_data", "must not contain personal data such as a phone number")
    return thread_id


Said = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_MAX_CHARACTERS),
    AfterValidator(_without_nul),
]
ThreadId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"), AfterValidator(_without_personal_data)]


class ChatRequest(Schema):
    """What a user says."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "I need a 2 bedroom in Girne"}]})

    message: Said = Field(description="What the user says: 1 to 8,000 characters after trimming, no NUL.")
    thread_id: ThreadId | None = Field(
        None, description="The conversation. Absent: a new one, or the one where this client_msg_id was sent before."
    )
    client_msg_id: UUID | None = Field(
        None, description="The client's own id of the message; sending it again gives the same answer again."
    )


class ReplyOut(Schema):
    """What the assistant answers."""

    text: str
    agent: str
    client_msg_id: UUID
    rich: dict[str, Any] | None = None


class MemoryTraceOut(Schema):
    """How memory took part in the answer. Keys are only ever added."""

    model_config = ConfigDict(extra="allow")

    used: bool = Field(description="Zep took part as the configured mode intends.")
    mode: Literal["off", "write_only", "read_write"] = Field(description="The mode in force.")
    source: Literal["zep", "write_only_forced", "timeout", "auth", "local"]
    took_ms: int | None = None
    cached: bool | None = None
    facts_count: int | None = None
    recent_count: int | None = None
    reason: str | None = Field(None, description="Why memory did not take part, e.g. timeout, auth, http_503.")
    until: float | None = Field(None, description="Epoch seconds.")
    status_code: int | None = Field(None, description="What Zep answered.")
    fallback: Literal["stale_cache", "local_recent"] | None = None
    age_s: int | None = None
    summary: bool | None = Field(None, description="A summary of the thread's archived messages took part.")
    client_ids: dict[str, str] | None = Field(None, description="Of the user's message and of the assistant's reply.")


class TraceOut(Schema):
    """How the answer came about."""

    memory: MemoryTraceOut


class ChatAnswer(Schema):
    """An answered turn."""

    ok: bool
    thread_id: str
    client_msg_id: UUID
    message_id: UUID
    reply: ReplyOut
    trace: TraceOut
    replayed: bool


class ErrorBody(Schema):
    code: str
    message: str
    details: list[dict[str, str]] | None = None


class ErrorOut(Schema):
    """Every error of the API."""

    error: ErrorBody
