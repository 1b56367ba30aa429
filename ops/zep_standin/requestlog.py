"""The append-only log of requests: who asked what, when, and what was decided; never a body, never a key."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ops.zep_standin.wire import Json

DEFAULT_LIMIT = 1000
MAX_LIMIT = 5000


@dataclass(frozen=True, slots=True)
class Entry:
    """A request whose outcome is decided. `status` is None where nothing is answered at all."""

    at: float
    caller: str
    method: str
    path: str
    status: int | None
    body_sha256: str
    message_uuids: Sequence[str] | None = None


def append(db: sqlite3.Connection, entry: Entry) -> None:
    uuids = None if entry.message_uuids is None else json.dumps(entry.message_uuids)
    db.execute(
        "INSERT INTO log (at, caller, method, path, status, body_sha256, message_uuids) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (entry.at, entry.caller, entry.method, entry.path, entry.status, entry.body_sha256, uuids),
    )


def page(db: sqlite3.Connection, after: int, limit: int) -> Json:
    """Return up to `limit` entries with n > after, the `next` to go on from, and the number of the `last` of all."""
    rows = db.execute("SELECT * FROM log WHERE n > ? ORDER BY n LIMIT ?", (after, limit))
    entries = [_shape(row) for row in rows]
    last = db.execute("SELECT coalesce(max(n), 0) FROM log").fetchone()[0]
    return {"entries": entries, "next": entries[-1]["n"] if entries else after, "last": last}


def latest(db: sqlite3.Connection, count: int) -> list[Json]:
    """Return the last `count` entries, the newest first."""
    return [_shape(row) for row in db.execute("SELECT * FROM log ORDER BY n DESC LIMIT ?", (count,))]


def _shape(row: sqlite3.Row) -> Json:
    entry = dict(row)
    uuids = entry.pop("message_uuids")
    return entry if uuids is None else entry | {"message_uuids": json.loads(uuids)}
