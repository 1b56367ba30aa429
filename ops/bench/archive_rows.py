"""Long threads for `archive`, made with SQL, and what became of them. Imports the product."""

import logging
from collections.abc import Sequence

from django.db import connection
from django.db.models import Count, Sum

from assistant.archive import restoring
from assistant.memory import outbox
from assistant.models import Archive

USERS = """
INSERT INTO assistant_user (username, memory_id, password, first_name, last_name, email, is_staff, is_active,
                            is_superuser, date_joined)
SELECT 'writer-' || u, md5('writer' || u)::uuid, '', '', '', '', false, true, false, now()
FROM generate_series(0, 99) u
"""
THREADS = """
INSERT INTO assistant_thread (id, user_id, created_at, last_sequence, holds_messages, lease_fence, known_to_zep_at,
                              hot_messages, last_message_at)
SELECT 'long-' || t, (SELECT id FROM assistant_user WHERE username = 'writer-' || t % 100), now() - interval '1 day',
       {messages}, false, 0, now(), {messages}, now()
FROM generate_series(0, {threads} - 1) t
"""
MESSAGES = """
INSERT INTO assistant_message (user_id, thread_id, sequence, client_msg_id, role, text, created_at, agent, rich,
                               memory_trace, mirror_state, mirror_attempts, mirror_error, mirror_refusals,
                               mirror_strikes, mirrored_at, redactions, outgoing_policy, outgoing_sha256)
SELECT thread.user_id, thread.id, s, md5(thread.id || '-' || s)::uuid,
       CASE s % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
       CASE s % 2 WHEN 1 THEN 'Is there a flat with ' || s % 5 || ' rooms near ' || md5(thread.id || s) || '?'
       ELSE repeat('There is one with a view of the sea, ' || md5('' || s) || '. ', 6) END,
       now() - interval '1 day' + s * interval '60 s', CASE s % 2 WHEN 1 THEN '' ELSE 'real_estate' END,
       CASE s % 2 WHEN 0 THEN '{{"search": {{"place": "Girne", "bedrooms": 2}}, "assumed": []}}'::jsonb END,
       CASE s % 2 WHEN 0 THEN '{{"used": true, "mode": "read_write", "source": "zep", "took_ms": 3}}'::jsonb END,
       'mirrored', 1, '', 0, 0, now(), '{{}}', '1:email,phone', md5(thread.id || s) || md5('' || s)
FROM assistant_thread thread, generate_series(1, {messages}) s WHERE thread.id LIKE 'long-%'
"""


def fill(threads: int, messages: int) -> None:
    """So many threads of a day's age, everything in them mirrored."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # a web process's limit is not meant for this
        for statement in (USERS, THREADS, MESSAGES):
            cursor.execute(statement.format(threads=threads, messages=messages))
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("RESET statement_timeout")


def sizes() -> dict[str, object]:
    """What lies in the storage, and what it held."""
    stored = Archive.objects.filter(state=Archive.State.STORED)
    found = stored.aggregate(files=Count("pk"), size=Sum("size_bytes"), messages=Sum("message_count"))
    return {
        "stored_files": found["files"],
        "stored_mb": round((found["size"] or 0) / 1_000_000, 1),
        "bytes_a_message": round((found["size"] or 0) / (found["messages"] or 1)),
    }


def some_archives(count: int) -> Sequence[int]:
    """The first of them."""
    return list(Archive.objects.filter(state=Archive.State.STORED).order_by("pk").values_list("pk", flat=True)[:count])


def restore(archives: Sequence[int]) -> int:
    """Restore them one after the other; return how many messages are back."""
    logging.disable(logging.CRITICAL)
    return sum(restoring.restore(pk, "bench").messages for pk in archives)


def waits() -> bool:
    """Whether a message still has to reach Zep."""
    return outbox.backlog()[0] > 0
