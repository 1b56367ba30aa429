"""The memory's own state: the guard, the mirror's backlog, the write hold, and Zep where it may be asked."""

import asyncio

from django.utils import timezone

from assistant import loops
from assistant.doctor.findings import RUNBOOK, Finding, failed, ok, skipped, warning
from assistant.memory import backfill, dead_letters, guard, outbox, write_hold
from assistant.memory.errors import ZepRequestError, ZepUnauthorized
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.zep_client import zep
from assistant.redis_link import RedisDown

MODE, BACKLOG, ZEP = "mode", "backlog", "zep"
SLOW_SECONDS, LATE_SECONDS = 60, 600  # the second is the alert MemoryMirrorBacklogTooOld's number
NOBODYS_THREAD = "easy-islanders-doctor"
ZEP_SECONDS = 5.0


def look_at_mode() -> list[Finding]:
    """Whether the guard lets reads through as the settings ask, and whether writing is on hold."""
    try:
        state, hold = loops.run(_state())
    except RedisDown:
        return [skipped(MODE, "Redis does not answer.", "See `redis state`.")]
    found = []
    if base_mode() is MemoryMode.READ_WRITE and state.forced is not None:
        todo = f"manage.py zep_mode; {RUNBOOK}memoryautodowngrade"
        found.append(warning(MODE, f"Reads are forced off: {state.forced.reason}.", todo))
    if hold.is_on:
        todo = f"manage.py zep_mirror; {RUNBOOK}memorywriteholdtoolong"
        found.append(warning(MODE, f"Writing to Zep is on hold: {hold.reason}.", todo))
    return found or [ok(MODE, f"{base_mode().value}, as the settings ask.")]


def look_at_backlog() -> list[Finding]:
    """By the age of the oldest message that waits, dead letters, and what is held."""
    waiting, oldest = outbox.backlog()
    age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    found = []
    if waiting and age > SLOW_SECONDS and base_mode() is not MemoryMode.OFF:
        make = failed if age > LATE_SECONDS else warning
        todo = f"manage.py zep_mirror; {RUNBOOK}memorymirrorbacklogtooold"
        found.append(make(BACKLOG, f"{waiting} messages wait, the oldest for {age:.0f} s. None is lost.", todo))
    if dead := dead_letters.count():
        todo = f"manage.py zep_deadletters list; {RUNBOOK}memorydeadletters"
        found.append(warning(BACKLOG, f"{dead} dead letters wait for somebody to decide.", todo))
    if (held := backfill.held()).messages and base_mode() is not MemoryMode.OFF:
        found.append(warning(BACKLOG, f"{held.messages} messages are held.", "manage.py zep_backfill --dry-run"))
    return found or [ok(BACKLOG, f"{waiting} messages wait, none for long; no dead letters.")]


def look_at_zep() -> list[Finding]:
    """Ask Zep for a session that is nobody's: with the right key it says that there is none."""
    if base_mode() is MemoryMode.OFF:
        return [skipped(ZEP, "The settings have memory off.", "Set FLAG_ZEP_WRITE=true.")]
    try:
        loops.run(_ask_zep())
    except ZepUnauthorized as error:
        todo = "Put the right ZEP_API_KEY in place and restart; then manage.py zep_mode --probe."
        return [failed(ZEP, f"It refuses the key ({error.status_code}).", todo)]
    except (ZepRequestError, TimeoutError) as error:
        reason = error.reason if isinstance(error, ZepRequestError) else "timeout"
        todo = "Is it up, and is ZEP_BASE_URL where? Turns go on without it, and what waits reaches it later."
        return [failed(ZEP, f"It does not answer as it should: {reason}.", todo)]
    return [ok(ZEP, "It answers, and takes the key.")]


def zep_was_not_asked() -> list[Finding]:
    return [skipped(ZEP, "Not asked.", "manage.py memory_doctor --zep")]


async def _state() -> tuple[guard.GuardState, write_hold.HoldState]:
    return await guard.read_state(), await write_hold.state()


async def _ask_zep() -> None:
    async with asyncio.timeout(ZEP_SECONDS):
        await zep().read_context(NOBODYS_THREAD)
