"""The two statements that take texts out of rows and put them back, for all rows of a file at once.

PostgreSQL gets each in one round trip; one for each row took a third of the archiver's time. The column names are the
model's own; tests fill rows in and read them back. Both return how many rows were what they were expected to be.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from assistant.archive.digests import digest_of
from assistant.models import Message

EMPTY = """
UPDATE assistant_message SET archive_id = %s, text_digest = %s, text = '', rich = NULL, memory_trace = NULL
WHERE id = %s AND archive_id IS NULL AND mirror_state = %s
"""
EMPTY_AT_ONCE = """
UPDATE assistant_message AS message
SET archive_id = %s, text_digest = given.digest, text = '', rich = NULL, memory_trace = NULL
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS given(id, digest, state)
WHERE message.id = given.id AND message.archive_id IS NULL AND message.mirror_state = given.state
"""
FILL = """
UPDATE assistant_message
SET archive_id = NULL, text_digest = '', retained_since = %s, text = %s, rich = %s, memory_trace = %s
WHERE id = %s AND archive_id = %s
"""
FILL_AT_ONCE = """
UPDATE assistant_message AS message
SET archive_id = NULL, text_digest = '', retained_since = %s,
    text = given.text, rich = given.rich::jsonb, memory_trace = given.trace::jsonb
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS given(id, text, rich, trace)
WHERE message.id = given.id AND message.archive_id = %s
"""


def empty(archive_id: int, rows: Sequence[Message]) -> int:
    """Leave slim rows that refer to the archive; a row that is no more as it was read is left alone."""
    digests = [digest_of(row.text) for row in rows]
    if connection.vendor == "postgresql":
        states = [str(row.mirror_state) for row in rows]
        return _one(EMPTY_AT_ONCE, archive_id, [row.pk for row in rows], digests, states)
    values = zip(rows, digests, strict=True)
    return _many(EMPTY, [(archive_id, digest, row.pk, row.mirror_state) for row, digest in values])


def fill(archive_id: int, messages: Sequence[Mapping[str, Any]], retained_since: datetime) -> int:
    """Put the texts back into the rows that refer to the archive, with the time since when they are kept."""
    since = connection.ops.adapt_datetimefield_value(retained_since)
    filled = [(m["text"], _json(m["rich"]), _json(m["memory_trace"]), m["id"]) for m in messages]
    if connection.vendor == "postgresql":
        texts, rich, traces, ids = (list(column) for column in zip(*filled, strict=True))
        return _one(FILL_AT_ONCE, since, ids, texts, rich, traces, archive_id)
    return _many(FILL, [(since, *values, archive_id) for values in filled])


def _one(statement: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _many(statement: str, values: Sequence[tuple[Any, ...]]) -> int:
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
        return int(cursor.rowcount)


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value)
