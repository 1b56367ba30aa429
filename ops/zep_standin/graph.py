"""The facts that were derived, by owner and subject, as rows; knows not how they are derived, and no HTTP.

The owner is the session's user, or the session itself where it has none. Of each subject the last
row that is visible by now holds, so a late fact leaves its predecessor standing until it appears.
"""

import sqlite3
from collections.abc import Iterable
from uuid import uuid4

from ops.zep_standin.facts import Statement, by_relevance
from ops.zep_standin.wire import Json, timestamp

_VISIBLE = """
SELECT uuid, created_at, fact FROM facts WHERE n IN
    (SELECT max(n) FROM facts WHERE owner = ? AND visible_at <= ? GROUP BY subject) ORDER BY n
"""
# Keeps reads short: what a visible fact replaced can never hold again.
_DROP_SUPERSEDED = """
DELETE FROM facts WHERE owner = ? AND subject = ? AND n <
    (SELECT max(n) FROM facts WHERE owner = ? AND subject = ? AND visible_at <= ?)
"""


def owner(user_id: str | None, session_id: str) -> str:
    return f"user:{user_id}" if user_id else f"session:{session_id}"


def learn(db: sqlite3.Connection, group: str, statements: Iterable[Statement], now: float, delay_s: float) -> None:
    """Store the statements; what only repeats the last one about its subject stays the fact it was."""
    for said in statements:
        last = db.execute(
            "SELECT fact FROM facts WHERE owner = ? AND subject = ? ORDER BY n DESC LIMIT 1",
            (group, said.subject),
        ).fetchone()
        if last is None or last[0] != said.sentence:
            db.execute(_DROP_SUPERSEDED, (group, said.subject, group, said.subject, now))
            db.execute(
                "INSERT INTO facts (uuid, owner, subject, fact, created_at, visible_at) VALUES (?, ?, ?, ?, ?, ?)",
                (str(uuid4()), group, said.subject, said.sentence, timestamp(now), now + delay_s),
            )


def recall(db: sqlite3.Connection, group: str, query: str, limit: int, now: float) -> list[Json]:
    """Return the facts that hold now, those nearest to `query` first."""
    held = [dict(row) for row in db.execute(_VISIBLE, (group, now))]
    return [held[at] for at in by_relevance([fact["fact"] for fact in held], query)[:limit]]


def forget(db: sqlite3.Connection, group: str) -> None:
    db.execute("DELETE FROM facts WHERE owner = ?", (group,))
