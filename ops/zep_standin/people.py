"""Users as rows: created, read, changed, deleted; knows no HTTP."""

import json
import sqlite3
from typing import Any
from uuid import uuid4

from ops.zep_standin import graph, threads
from ops.zep_standin.wire import Json

TEXT_FIELDS = ("email", "first_name", "last_name")


def exists(db: sqlite3.Connection, user_id: str) -> bool:
    return db.execute("SELECT 1 FROM users WHERE user_id = ?", (user_id,)).fetchone() is not None


def find(db: sqlite3.Connection, user_id: str) -> Json | None:
    row = db.execute("SELECT * FROM users WHERE user_id = ?", (user_id,)).fetchone()
    return _shape(row) if row else None


def create(db: sqlite3.Connection, user_id: str, fields: Json, now: str) -> None:
    values = [fields.get(name) for name in TEXT_FIELDS]
    db.execute(
        "INSERT INTO users (uuid, user_id, email, first_name, last_name, metadata, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (str(uuid4()), user_id, *values, json.dumps(fields.get("metadata")), now, now),
    )


def change(db: sqlite3.Connection, user: Json, fields: Json, now: str) -> None:
    """Set what `fields` names; metadata is merged into what is there."""
    values = [user[name] if fields.get(name) is None else fields[name] for name in TEXT_FIELDS]
    metadata = merged(user["metadata"], fields.get("metadata"))
    db.execute(
        "UPDATE users SET email = ?, first_name = ?, last_name = ?, metadata = ?, updated_at = ? WHERE id = ?",
        (*values, json.dumps(metadata), now, user["id"]),
    )


def delete(db: sqlite3.Connection, user_id: str) -> None:
    """Delete the user, the user's threads with their messages, and the user's part of the graph."""
    for (session_id,) in db.execute("SELECT session_id FROM sessions WHERE user_id = ?", (user_id,)).fetchall():
        threads.delete(db, session_id)
        graph.forget(db, graph.owner(None, session_id))
    graph.forget(db, graph.owner(user_id, ""))
    db.execute("DELETE FROM users WHERE user_id = ?", (user_id,))


def page(db: sqlite3.Connection, number: int, size: int) -> tuple[list[Json], int]:
    """Return one page of users, oldest first (numbered from 1), and how many there are in all."""
    rows = db.execute("SELECT * FROM users ORDER BY id LIMIT ? OFFSET ?", (size, (number - 1) * size))
    return [_shape(row) for row in rows], int(db.execute("SELECT count(*) FROM users").fetchone()[0])


def merged(before: Any, changes: Any) -> Any:
    """Return metadata with `changes` laid over `before`, object by object."""
    if not (isinstance(before, dict) and isinstance(changes, dict)):
        return before if changes is None else changes
    return before | {key: merged(before.get(key), value) for key, value in changes.items()}


def _shape(row: sqlite3.Row) -> Json:
    return dict(row) | {"metadata": json.loads(row["metadata"]), "deleted_at": None, "project_uuid": None}
