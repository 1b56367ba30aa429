"""The outbox's two busiest changes as PostgreSQL does them in one round trip each: under the lease, or not at all.

Written out because four round trips and the building of their SQL were a third of the worker's time for a message. The
thread's row is renewed, and so locked, by the statement that changes the messages, before any of them is: a lease that
is lost joins with nothing. A holder that waited for the row's lock meets the fence as it is by then.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from assistant.models import Message

# The column names are the model's own; tests fill them in and read them back.
UNDER_LEASE = """
WITH mine AS (
    UPDATE assistant_thread SET lease_until = statement_timestamp() + %s WHERE id = %s AND lease_fence = %s RETURNING id
)
"""
SAVE_PREPARED = f"""{UNDER_LEASE}
UPDATE assistant_message AS message
SET mirror_state = 'in_flight', mirror_attempts = message.mirror_attempts + 1, redactions = prepared.redactions,
    outgoing_parts = prepared.outgoing_parts, outgoing_policy = prepared.outgoing_policy,
    outgoing_sha256 = prepared.outgoing_sha256
FROM mine, jsonb_to_recordset(%s) AS prepared(
    id bigint, redactions jsonb, outgoing_parts jsonb, outgoing_policy text, outgoing_sha256 text
)
WHERE message.id = prepared.id
"""  # noqa: S608  # put together from constants
ACKNOWLEDGE = f"""{UNDER_LEASE}
UPDATE assistant_message SET mirror_state = 'mirrored', mirrored_at = %s, mirror_error = '', outgoing_parts = NULL
FROM mine WHERE assistant_message.id = ANY(%s)
"""  # noqa: S608  # put together from constants
PREPARED = ("id", "redactions", "outgoing_parts", "outgoing_policy", "outgoing_sha256")


def save_prepared(renewed_for: timedelta, thread_id: str, fence: int, rows: Sequence[Message]) -> bool:
    """Commit what is about to be sent. False where the lease is lost: then nothing changed."""
    prepared = json.dumps([{name: getattr(row, name) for name in PREPARED} for row in rows])
    return _changed(SAVE_PREPARED, renewed_for, thread_id, fence, prepared)


def acknowledge(renewed_for: timedelta, thread_id: str, fence: int, rows: Sequence[Message], now: datetime) -> bool:
    """Note that Zep has these. False where the lease is lost: then nothing changed."""
    return _changed(ACKNOWLEDGE, renewed_for, thread_id, fence, now, [row.pk for row in rows])


def _changed(statement: str, *values: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount)
