"""Fills the tables that the admin lists: messages in the proportions of a system at work, audit, tokens, transitions.

On PostgreSQL with `plans_rows`; on SQLite with statements of the same shape. Imports the product: see `admin_lists`.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from assistant.models import ApiToken, AuditEntry, ModeTransition
from ops.bench import plans_rows
from ops.bench.plans_rows import DIED, HOLDS, MESSAGES_A_THREAD, THREADS_A_USER, WAITS

AUDIT_ENTRIES, TRANSITIONS = 100_000, 10_000
MOMENT = "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-365 days', '+' || (t * 10) || ' seconds')"
NUMBERS = "WITH RECURSIVE n(t) AS (SELECT 0 UNION ALL SELECT t + 1 FROM n WHERE t + 1 < {count})"
THREAD_ID = "'thread-' || t"

USERS = f"""
INSERT INTO assistant_user (id, username, memory_id, password, first_name, last_name, email, is_staff, is_active,
                            is_superuser, date_joined)
{NUMBERS} SELECT t + 1, 'user-' || (t + 1), lower(hex(randomblob(16))), '', '', '', '', 0, 1, 0, {MOMENT} FROM n
"""  # noqa: S608  # our own constants
THREADS = f"""
INSERT INTO assistant_thread (id, user_id, created_at, last_sequence, mirror_due_at, holds_messages, lease_fence,
                              lease_until, known_to_zep_at)
{NUMBERS} SELECT {THREAD_ID}, 1 + t / {THREADS_A_USER}, {MOMENT}, {MESSAGES_A_THREAD},
       CASE WHEN {WAITS} THEN {MOMENT} END, {HOLDS}, 20, NULL, {MOMENT} FROM n
"""  # noqa: S608  # our own constants
MESSAGES = f"""
INSERT INTO assistant_message (id, user_id, thread_id, sequence, client_msg_id, role, text, created_at, agent,
                               mirror_state, mirror_attempts, mirror_error, mirror_refusals, mirror_strikes,
                               mirrored_at, redactions, outgoing_sha256)
{NUMBERS}, s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < {MESSAGES_A_THREAD}),
of_it AS (SELECT t, s, CASE WHEN {WAITS} AND s > 4 THEN CASE s WHEN 5 THEN 'in_flight' ELSE 'pending' END
                            WHEN {HOLDS} AND s > 10 THEN 'held' WHEN {DIED} AND s = 9 THEN 'dead'
                            ELSE 'mirrored' END AS state FROM n, s)
SELECT t * {MESSAGES_A_THREAD} + s, 1 + t / {THREADS_A_USER}, {THREAD_ID}, s, lower(hex(randomblob(16))),
       CASE s % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
       'two bedrooms near the sea two bedrooms near the sea two bedrooms near the sea two bedrooms near the sea ',
       {MOMENT}, '', state, 1, CASE state WHEN 'dead' THEN 'http_400' ELSE '' END, 0, 0,
       CASE state WHEN 'mirrored' THEN {MOMENT} END, '{{{{}}}}', lower(hex(randomblob(32))) FROM of_it
"""  # noqa: S608  # our own constants


def fill(messages: int) -> None:
    """Insert so many messages with all that hangs on them, and let the database count its tables."""
    if connection.vendor == "postgresql":
        plans_rows.fill(messages)
    else:
        _fill_sqlite(messages)
    _fill_small_tables()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _fill_sqlite(messages: int) -> None:
    threads = max(messages // MESSAGES_A_THREAD, 10_000)
    for statement, count in ((USERS, threads // THREADS_A_USER + 1), (THREADS, threads), (MESSAGES, threads)):
        with connection.cursor() as cursor:
            cursor.execute(statement.format(count=count))


def _fill_small_tables() -> None:
    now = timezone.now()
    actions = ("guard.force", "guard.clear", "message.reveal", "replay_dead_letters", "token.issue")
    AuditEntry.objects.bulk_create(
        [
            AuditEntry(actor=f"operator-{n % 20}", action=actions[n % 1000 // 200], details={"n": n})
            for n in range(AUDIT_ENTRIES)
        ],
        batch_size=5_000,
    )
    ModeTransition.objects.bulk_create(
        [
            ModeTransition(
                epoch=n + 1,
                at=now - timedelta(minutes=TRANSITIONS - n),
                before="forced" if n % 2 else "open",
                after="open" if n % 2 else "forced",
                reason="probe" if n % 2 else "auth",
                by="guard",
            )
            for n in range(TRANSITIONS)
        ],
        batch_size=5_000,
    )
    ApiToken.objects.bulk_create(
        [ApiToken(user_id=1 + n % 2_000, digest=f"{n:064x}", name="bench") for n in range(10_000)], batch_size=5_000
    )
