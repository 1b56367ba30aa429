"""Making what was deleted unreadable in the database's own files. SQLite only; PostgreSQL's autovacuum is its own."""

from django.db import connection

from assistant.errors import EasyIslandersError


class NotSealed(EasyIslandersError):
    """Readers kept the write-ahead log. Try later."""

    reason = "not_sealed"


def seal() -> None:
    """Bring the write-ahead log into the file and empty it: it holds pages as they were. Raise NotSealed.

    In the file itself deleted content has been overwritten with zeros (`PRAGMA secure_delete`, see settings).
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy, _, _ = cursor.fetchone()
    if is_busy:
        raise NotSealed
