"""How an archive's file is called: `{user_id}_{conversation_id}_{timestamp}` and a suffix. Opaque ids only.

For a conversation whose user chose its id something else stands there; the document inside has the id.
"""

from datetime import UTC, datetime
from uuid import UUID

from assistant import opaque


def name_of(memory_id: UUID, thread_id: str, at: datetime, suffix: str) -> str:
    """A thread has one archiver at a time, and a microsecond one archive: no name comes twice."""
    return f"{memory_id}_{opaque.name_of(thread_id)}_{at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}{suffix}"
