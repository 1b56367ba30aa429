"""The document that an archive holds: its fields, its version, and what must hold of it. Pure: rows and values only.

Version 1 is UTF-8 JSON. `conversation_history` keeps each message with all of its row, so that restoring is exact;
`checksum` is the SHA-256 of that list in the same JSON. `token_count` is an estimate: four characters to a token.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from assistant.archive.errors import ArchiveDamaged
from assistant.models import Message

FORMAT = "easy-islanders-archive"
VERSION = 1
CHARACTERS_PER_TOKEN = 4
# The columns that tell of the message's way to Zep; in the document they are the message's `mirror`.
MIRROR_FACTS = (
    "mirror_state",
    "mirror_attempts",
    "mirror_error",
    "mirror_refusals",
    "mirror_strikes",
    "mirrored_at",
    "replayed_at",
    "discarded_at",
    "redactions",
    "outgoing_policy",
    "outgoing_sha256",
)
IDENTITY = ("id", "sequence", "client_msg_id", "role", "created_at", "agent")
EMPTIED = ("text", "rich", "memory_trace")


@dataclass(frozen=True)
class Subject:
    """Whose conversation it is: opaque ids. `archived_before`: how many of its messages older archives hold."""

    user_id: UUID
    thread_id: str
    archived_before: int = 0


@dataclass(frozen=True)
class Document:
    """An opened archive. `history` is as it was written; `message` gives an entry's columns as the model has them."""

    user_id: str
    thread_id: str
    archived_at: datetime
    history: Sequence[Mapping[str, Any]]


def columns() -> tuple[str, ...]:
    """The model's columns that a document is made from."""
    return (*IDENTITY, *EMPTIED, *MIRROR_FACTS)


def write(subject: Subject, rows: Sequence[Message], archived_at: datetime, rule: str) -> bytes:
    """The document of these rows, oldest first; there is at least one."""
    history = [_entry(row) for row in rows]
    seconds = (rows[-1].created_at - rows[0].created_at).total_seconds()
    session_info = {
        "duration_seconds": seconds,
        "token_count": sum(-(-len(row.text) // CHARACTERS_PER_TOKEN) for row in rows),
        "archived_message_count": subject.archived_before + len(rows),
    }
    return _encoded(
        {
            "format": FORMAT,
            "format_version": VERSION,
            "user_id": str(subject.user_id),
            "conversation_id": subject.thread_id,
            "archived_at": archived_at.isoformat(),
            "rule": rule,
            "message_count": len(rows),
            "session_info": session_info,
            "checksum": _checksum(history),
            "conversation_history": history,
        }
    )


def read(document: bytes) -> Document:
    """Open a document. Raise ArchiveDamaged with what is wrong."""
    try:
        fields = json.loads(document)
        if fields["format"] != FORMAT:
            raise ArchiveDamaged("it is no archive of this system")
        if fields["format_version"] != VERSION:
            raise ArchiveDamaged(f"its format has version {int(fields['format_version'])}; this one reads {VERSION}")
        history = fields["conversation_history"]
        if fields["message_count"] != len(history) or fields["checksum"] != _checksum(history):
            raise ArchiveDamaged("its checksum is not that of its messages")
        archived_at = datetime.fromisoformat(fields["archived_at"])
        return Document(str(fields["user_id"]), str(fields["conversation_id"]), archived_at, history)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ArchiveDamaged("it is not a document of the expected shape") from None


def message(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of one entry of the history, as the model has them. Raise ArchiveDamaged."""
    try:
        mirror = entry["mirror"]
        return {
            "id": int(entry["id"]),
            "sequence": int(entry["sequence"]),
            "client_msg_id": UUID(entry["client_msg_id"]),
            "role": entry["role"],
            "created_at": _moment(entry["created_at"]),
            "agent": entry["agent"],
            "text": entry["content"],
            "rich": entry["rich"],
            "memory_trace": entry["memory_trace"],
            **{name: _moment(mirror[name]) if name.endswith("_at") else mirror[name] for name in MIRROR_FACTS},
        }
    except (ValueError, KeyError, TypeError):
        raise ArchiveDamaged("one of its messages is not of the expected shape") from None


def _entry(row: Message) -> dict[str, Any]:
    return {
        "role": row.role,
        "content": row.text,
        "id": row.pk,
        "sequence": row.sequence,
        "client_msg_id": str(row.client_msg_id),
        "created_at": row.created_at.isoformat(),
        "agent": row.agent,
        "rich": row.rich,
        "memory_trace": row.memory_trace,
        "mirror": {name: _plain(getattr(row, name)) for name in MIRROR_FACTS},
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _checksum(history: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(_encoded(history)).hexdigest()


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
