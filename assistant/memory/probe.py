"""The probe: one authenticated read that decides whether reads may go on. Run by the control worker, by nobody else.

It reads a session of its own that holds one message: a Zep that answers everything with nothing does not pass. Where
the session is not there yet, or Zep was restored without it, it is made first.
"""

import asyncio
import hashlib
import hmac
from uuid import UUID, uuid5

from django.conf import settings

from assistant.events import ProbeBegan, ProbeSkipped, announce
from assistant.memory import guard
from assistant.memory.errors import ZepDuplicate, ZepRequestError
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.redacted import RedactedText
from assistant.memory.zep_client import OutgoingMessage, zep

PROBE_MEMORY_ID = UUID("0f3c2c86-5d3c-5c55-8d0a-6f5d3d0b7e51")
PROBE_TEXT = "This message is read by the probe."
CONNECT_SECONDS = 2.0
LONGEST_SECONDS = 8.0  # of all its calls together: the lock lasts ten


def probe_thread() -> str:
    """The probe's session. Made from the key, so that nobody can take the name for a conversation of theirs."""
    name = hmac.new(settings.ZEP_API_KEY.encode(), b"probe", hashlib.sha256).hexdigest()
    return f"probe-{name[:40]}"


async def probe(*, although_not_due: bool = False) -> str:
    """Probe if a hold is due, and tell the guard; the outcome as `memory_probe_runs_total` counts it, or `outlived`.

    Asks Zep nothing unless it has the lock. Raise RedisDown.
    """
    permit = await guard.begin_probe(
        reads_are_on=base_mode() is MemoryMode.READ_WRITE, although_not_due=although_not_due
    )
    if isinstance(permit, str):
        announce(ProbeSkipped(permit))
        return permit
    announce(ProbeBegan())
    return await guard.end_probe(permit, passed=await zep_answers())


async def zep_answers() -> bool:
    """Whether Zep gives back what the probe's session holds, in time."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await _read() or await _read_after_making_it()
    except (ZepRequestError, TimeoutError):
        return False


async def _read() -> bool:
    answer_seconds = settings.MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS / 1000
    text = await zep().read_newest(probe_thread(), connect_seconds=CONNECT_SECONDS, answer_seconds=answer_seconds)
    return text == PROBE_TEXT


async def _read_after_making_it() -> bool:
    await zep().ensure_user(PROBE_MEMORY_ID)
    await zep().ensure_thread(probe_thread(), PROBE_MEMORY_ID)
    own_id = uuid5(PROBE_MEMORY_ID, PROBE_TEXT)
    try:
        await zep().add_messages(probe_thread(), [OutgoingMessage(own_id, "user", RedactedText(PROBE_TEXT), own_id)])
    except ZepDuplicate:  # Zep knows the message, and yet does not show it
        return False
    return await _read()
