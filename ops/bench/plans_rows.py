"""Fills the messages' tables with SQL: many threads, nearly all mirrored, in the proportions of a system at work.

Of the threads one in a thousand waits for the mirror, one in ten thousand holds messages, one in five thousand has a
dead letter, one in two thousand is to be archived; each thread has 20 messages, each user five threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

MESSAGES_A_THREAD, THREADS_A_USER = 20, 5
TABLES = ("assistant_thread", "assistant_message")
WAITS, HOLDS, DIED = "t % 1000 = 7", "t % 10000 = 11", "t % 5000 = 13"
IS_FULL, IS_SILENT = "t % 2000 = 17", "t % 20000 = 19"

USERS = """
INSERT INTO assistant_user (id, username, memory_id, password, first_name, last_name, email, is_staff, is_active,
                            is_superuser, date_joined)
SELECT u, 'user-' || u, md5('user' || u)::uuid, '', '', '', '', false, true, false, now()
FROM generate_series(1, {users}) u
"""
THREADS = f"""
INSERT INTO assistant_thread (id, user_id, created_at, last_sequence, mirror_due_at, holds_messages, lease_fence,
                              lease_until, known_to_zep_at, hot_messages, last_message_at)
SELECT md5('thread' || t)::uuid::text, 1 + t / {THREADS_A_USER}, now() - interval '1 year' + t * interval '10 s',
       {MESSAGES_A_THREAD}, CASE WHEN {WAITS} THEN now() - random() * interval '1 hour' END, {HOLDS}, 20, NULL, now(),
       CASE WHEN {IS_FULL} THEN 20 ELSE 10 END,
       CASE WHEN {IS_SILENT} THEN now() - interval '1 year' ELSE now() END
FROM generate_series(0, {{threads}} - 1) t
"""  # noqa: S608  # our own constants
MESSAGES = f"""
INSERT INTO assistant_message (id, user_id, thread_id, sequence, client_msg_id, role, text, created_at, agent,
                               mirror_state, mirror_attempts, mirror_error, mirror_refusals, mirror_strikes,
                               mirrored_at, redactions, outgoing_sha256)
SELECT t::bigint * {MESSAGES_A_THREAD} + s, 1 + t / {THREADS_A_USER}, md5('thread' || t)::uuid::text, s,
       md5('message' || t || '-' || s)::uuid, CASE s % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
       repeat('two bedrooms near the sea ', 4), now() - interval '1 year' + t * interval '10 s', '',
       state, 1, CASE state WHEN 'dead' THEN 'http_400' ELSE '' END, 0, 0,
       CASE state WHEN 'mirrored' THEN now() END, '{{{{}}}}', md5('body' || t || '-' || s) || md5('' || s)
FROM generate_series(0, {{threads}} - 1) t, generate_series(1, {MESSAGES_A_THREAD}) s,
     LATERAL (SELECT CASE WHEN {WAITS} AND s > 4 THEN CASE s WHEN 5 THEN 'in_flight' ELSE 'pending' END
                          WHEN {HOLDS} AND s > 10 THEN 'held' WHEN {DIED} AND s = 9 THEN 'dead'
                          ELSE 'mirrored' END AS state) of_it
"""  # noqa: S608  # our own constants


def fill(messages: int) -> None:
    """Insert so many messages with their threads and users, and let PostgreSQL count them."""
    threads = max(messages // MESSAGES_A_THREAD, 10_000)
    numbers = {"threads": threads, "users": threads // THREADS_A_USER + 1}
    _execute("SET statement_timeout = 0")  # a web process's limit is not meant for this
    with _without_indexes():
        for statement in (USERS, THREADS, MESSAGES):
            _execute(statement.format(**numbers))
    for table in ("assistant_user", "assistant_message"):
        _execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")  # noqa: S608  # ours
    _execute("VACUUM ANALYZE")


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Take constraints and indexes away while the rows go in; put them back exactly as they were."""
    constraints = _rows(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) "
        "FROM pg_constraint, (SELECT %s::regclass[] AS tables) meant "
        "WHERE conrelid = ANY(tables) OR confrelid = ANY(tables) ORDER BY contype = 'f' DESC"
    )
    for table, name, _ in constraints:
        _execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = _rows(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = ANY(%s::regclass[])"
    )
    for name, _ in indexes:
        _execute(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        _execute(definition)
    for table, name, definition in reversed(constraints):
        _execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def _rows(query: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [list(TABLES)])
        return list(cursor.fetchall())


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
