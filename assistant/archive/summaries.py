"""The summary that a thread keeps of its archived messages: Zep's where it has one, beside what the rules extract.

Zep's is asked for as the mirror asks: quietly, with a bound, and not at all while the guard or a pause forbids reading.
Without it the extracted values stand alone, so archiving never waits for Zep.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings

from assistant import loops
from assistant.memory import guard
from assistant.memory.errors import ZepRequestError
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.modes import Guard
from assistant.memory.redacted import RedactionFailed
from assistant.memory.zep_client import zep
from assistant.models import Message, MirrorState, Thread, User
from assistant.redis_link import RedisDown
from assistant.replies.summary import from_values, summarise, to_values
from assistant.replies.values import PastMessage, Summary

LEFT_ALONE_SECONDS = 60.0  # Zep, after it gave no summary in time: a thousand threads do not wait for it in turn
MOST_CHARACTERS = 4_000
HEARD_CHARACTERS = 1_500  # of each message, as a turn hears what was said before
_left_alone_until = 0.0


def of(thread: Thread) -> Summary | None:
    """The thread's summary; None where nothing is archived, or it is of a shape that nobody here knows."""
    try:
        return from_values(thread.summary) if thread.summary else None
    except (TypeError, ValueError, AttributeError):
        return None


def extended(before: Summary | None, thread_id: str, rows: Sequence[Message], *, is_first: bool) -> Summary:
    """The summary with these rows in it, oldest first. `is_first`: of a run; Zep is asked once in it.

    What was said while its user had opted out of memory is left out: later answers are mirrored.
    """
    summary = summarise([_past(row) for row in rows if row.mirror_state != MirrorState.PRIVATE], before)
    prose = _zeps(thread_id) if is_first else ""
    return replace(summary, prose=prose) if prose else summary


def drop_prose(user: User) -> None:
    """What Zep concluded goes from all the user's summaries: it may come from another thread, which is to be forgotten.

    Inside a transaction, the threads' rows locked. What the rules found is of the thread's own words, and stays.
    """
    changed = []
    for thread in user.threads.filter(summary__isnull=False).only("summary"):
        values = thread.summary
        if isinstance(values, dict) and values.get("prose"):
            values["prose"] = ""
            changed.append(thread)
    Thread.objects.bulk_update(changed, ["summary"], batch_size=100)


def stored(summary: Summary) -> dict[str, Any]:
    """As the thread's row takes it."""
    return to_values(summary)


def _past(row: Message) -> PastMessage:
    role = Message.Role(row.role)
    return PastMessage("user" if role is Message.Role.USER else "assistant", row.text[:HEARD_CHARACTERS], row.agent)


def _zeps(thread_id: str) -> str:
    global _left_alone_until  # noqa: PLW0603  # of this process, like the breakers'
    if base_mode() is not MemoryMode.READ_WRITE or time.monotonic() < _left_alone_until:
        return ""
    try:
        return loops.run(_asked(thread_id))
    except (TimeoutError, ZepRequestError, RedactionFailed, RedisDown):
        _left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
        return ""


async def _asked(thread_id: str) -> str:
    state = await guard.read_state()
    if state.guard is not Guard.OPEN or state.paused_until is not None:
        return ""
    async with asyncio.timeout(settings.ZEP_WRITE_TIMEOUT_MS / 1000):
        context = await zep().read_context(thread_id)
    return context.summary[:MOST_CHARACTERS]
