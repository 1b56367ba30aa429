"""What Zep asks of the messages in one call; pure, stores nothing."""

from typing import Any
from uuid import UUID, uuid4

from ops.zep_standin.threads import NewMessage
from ops.zep_standin.wire import Json, RefusedError, optional

MAX_MESSAGES = 30
MAX_CHARACTERS = 2500
ROLE_TYPES = frozenset({"norole", "system", "assistant", "user", "function", "tool"})


def read_batch(payload: Json) -> list[NewMessage]:
    """Return the messages of a call in their order; more than MAX_MESSAGES is the caller's matter.

    Raises RefusedError: 500 for an unknown role_type (the server fails on its enum), else 400.
    """
    entries = payload.get("messages")
    if not isinstance(entries, list) or not entries:
        raise RefusedError(400, "bad request: messages is required")
    batch = [_message(entry) for entry in entries]
    if len({message.uuid for message in batch}) < len(batch):
        raise RefusedError(400, "bad request: message_uuid already exists")
    return batch


def read_uuid(value: Any) -> str:
    """Return the canonical form of a UUID. Raises RefusedError(400)."""
    try:
        return str(UUID(value))
    except (ValueError, TypeError, AttributeError) as error:
        raise RefusedError(400, "bad request: invalid UUID") from error


def well_formed_uuids(payload: Any) -> list[str]:
    """Return the UUIDs a body names for its messages, whatever else is wrong with it."""
    entries = payload.get("messages") if isinstance(payload, dict) else None
    named = [entry.get("uuid") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [canonical for value in named if (canonical := _uuid_or_none(value))]


def _message(entry: Any) -> NewMessage:
    if not isinstance(entry, dict):
        raise RefusedError(400, "bad request: a message must be a JSON object")
    content, role_type = optional(entry, "content", str) or "", entry.get("role_type") or "norole"
    if len(content) > MAX_CHARACTERS:
        raise RefusedError(400, f"bad request: message content exceeds {MAX_CHARACTERS} characters")
    if not isinstance(role_type, str) or role_type not in ROLE_TYPES:
        raise RefusedError(500, "internal server error: invalid role_type")
    uuid = entry.get("uuid")
    return NewMessage(
        uuid=str(uuid4()) if uuid is None else read_uuid(uuid),
        role=optional(entry, "role", str) or "",
        role_type=role_type,
        content=content,
        metadata=optional(entry, "metadata", dict),
    )


def _uuid_or_none(value: Any) -> str | None:
    try:
        return read_uuid(value)
    except RefusedError:
        return None
