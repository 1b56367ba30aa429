"""Sessions and their messages as rows, in the order of arrival; knows no HTTP."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ops.zep_standin.wire import Json

_COLUMNS = "uuid, created_at, updated_at, role, role_type, content, metadata"


@dataclass(frozen=True, slots=True)
class NewMessage:
    uuid: str
    role: str
    role_type: str
    content: str
    metadata: Json | None


def find(db: sqlite3.Connection, session_id: str) -> Json | None:
    row = db.execute("SELECT * FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    if row is None:
        return None
    absent = {"deleted_at": None, "ended_at": None, "project_uuid": None}
    return dict(row) | {"metadata": json.loads(row["metadata"])} | absent


def key_and_user(db: sqlite3.Connection, session_id: str) -> tuple[int, str | None] | None:
    row = db.execute("SELECT id, user_id FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    return (row[0], row[1]) if row else None


def create(db: sqlite3.Connection, session_id: str, user_id: str | None, metadata: Any, now: str) -> int:
    cursor = db.execute(
        "INSERT INTO sessions (uuid, session_id, user_id, metadata, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        (str(uuid4()), session_id, user_id, json.dumps(metadata), now, now),
    )
    return cursor.lastrowid or 0


def set_metadata(db: sqlite3.Connection, session: int, metadata: Any, now: str) -> None:
    db.execute("UPDATE sessions SET metadata = ?, updated_at = ? WHERE id = ?", (json.dumps(metadata), now, session))


def delete(db: sqlite3.Connection, session_id: str) -> bool:
    """Delete the thread and what its messages said; their uuids stay taken. False for an unknown thread."""
    known = key_and_user(db, session_id)
    if known is None:
        return False
    db.execute(
        "UPDATE messages SET session = NULL, role = '', content = '', metadata = NULL WHERE session = ?",
        known[:1],
    )
    db.execute("DELETE FROM sessions WHERE id = ?", known[:1])
    return True


def any_taken(db: sqlite3.Connection, uuids: Sequence[str]) -> bool:
    """Whether a uuid is that of any message ever stored, in whatever thread."""
    query = "SELECT 1 FROM messages WHERE uuid = ?"
    return any(db.execute(query, (uuid,)).fetchone() for uuid in uuids)


def append(db: sqlite3.Connection, session: int, messages: Sequence[NewMessage], now: str) -> None:
    rows = [(m.uuid, session, m.role, m.role_type, m.content, json.dumps(m.metadata), now, now) for m in messages]
    db.executemany(
        "INSERT INTO messages (uuid, session, role, role_type, content, metadata, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def last_messages(db: sqlite3.Connection, session: int, count: int) -> list[Json]:
    query = f"SELECT {_COLUMNS} FROM messages WHERE session = ? ORDER BY n DESC LIMIT ?"  # noqa: S608 - a constant
    return [_shape(row) for row in reversed(db.execute(query, (session, count)).fetchall())]


def message_page(db: sqlite3.Connection, session: int, number: int, size: int) -> tuple[list[Json], int]:
    """Return one page of messages, first arrived first (numbered from 1), and how many there are in all."""
    query = f"SELECT {_COLUMNS} FROM messages WHERE session = ? ORDER BY n LIMIT ? OFFSET ?"  # noqa: S608 - a constant
    rows = db.execute(query, (session, size, (number - 1) * size))
    total = db.execute("SELECT count(*) FROM messages WHERE session = ?", (session,)).fetchone()[0]
    return [_shape(row) for row in rows], int(total)


def find_message(db: sqlite3.Connection, session: int, uuid: str) -> Json | None:
    query = f"SELECT {_COLUMNS} FROM messages WHERE session = ? AND uuid = ?"  # noqa: S608 - a constant
    row = db.execute(query, (session, uuid)).fetchone()
    return _shape(row) if row else None


def set_message_metadata(db: sqlite3.Connection, uuid: str, metadata: Any, now: str) -> None:
    db.execute("UPDATE messages SET metadata = ?, updated_at = ? WHERE uuid = ?", (json.dumps(metadata), now, uuid))


def overview(db: sqlite3.Connection) -> list[Json]:
    """Return every thread with its user and how many messages it holds, the newest thread last."""
    rows = db.execute(
        "SELECT session_id, user_id, (SELECT count(*) FROM messages WHERE session = s.id) AS message_count"
        " FROM sessions s ORDER BY id"
    )
    return [dict(row) for row in rows]


def _shape(row: sqlite3.Row) -> Json:
    return dict(row) | {"metadata": json.loads(row["metadata"]), "token_count": 0}
