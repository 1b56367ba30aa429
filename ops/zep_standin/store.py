"""The SQLite file: its schema and its transactions; knows no HTTP and no meaning of the rows.

One connection, used by one thread. WAL with synchronous=NORMAL: what was committed survives the death of the
process at any moment; the last commits may be lost with the machine's power, never the file's consistency.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A deleted message keeps its row without thread and content: its uuid stays taken, since Zep deletes softly.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, user_id TEXT NOT NULL UNIQUE,
    email TEXT, first_name TEXT, last_name TEXT, metadata TEXT,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, session_id TEXT NOT NULL UNIQUE,
    user_id TEXT, metadata TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user_id) WHERE user_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS messages (
    n INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,
    session INTEGER REFERENCES sessions (id), role TEXT NOT NULL, role_type TEXT NOT NULL,
    content TEXT NOT NULL, metadata TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_in_order ON messages (session, n) WHERE session IS NOT NULL;
CREATE TABLE IF NOT EXISTS facts (
    n INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, owner TEXT NOT NULL, subject TEXT NOT NULL,
    fact TEXT NOT NULL, created_at TEXT NOT NULL, visible_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS facts_of_owner ON facts (owner, subject, n);
CREATE TABLE IF NOT EXISTS log (
    n INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, caller TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, status INTEGER, body_sha256 TEXT NOT NULL, message_uuids TEXT);
"""


def open_store(path: Path) -> sqlite3.Connection:
    """Open (or create) the data file. Raises sqlite3.Error or OSError where that is not possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256, timeout=5)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")
    connection.executescript(_SCHEMA)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block did, all or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def overwrite_deleted(connection: sqlite3.Connection) -> None:
    """Bring what was deleted out of the write-ahead log too: tests search the files' bytes."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def empty(connection: sqlite3.Connection) -> None:
    """Forget users, sessions, messages and facts, taken uuids included. The request log stays."""
    for table in ("messages", "facts", "sessions", "users"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the four names above
