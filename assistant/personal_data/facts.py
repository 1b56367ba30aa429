"""What Zep has learned about a user, shown to them. Bounded in time; Zep being away is an answer, not an error."""

import asyncio
from dataclasses import dataclass

from assistant.memory import guard
from assistant.memory.errors import ZepRequestError
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.modes import effective
from assistant.memory.zep_client import zep
from assistant.models import User
from assistant.redis_link import RedisDown

BUDGET_SECONDS = 2.0  # somebody waits and looks: more than a turn has, less than a page that hangs


@dataclass(frozen=True)
class Facts:
    """`reason`: why they could not be read; empty where they were."""

    facts: tuple[str, ...] = ()
    reason: str = ""


async def facts_held(user: User) -> Facts:
    """The facts held at Zep, those of before an opt-out too: it is the user who looks, not the assistant.

    The guard is obeyed, and told nothing of how it went.
    """
    if reason := await why_reads_are_off():
        return Facts(reason=reason)
    try:
        async with asyncio.timeout(BUDGET_SECONDS):
            return Facts(await zep().facts_about(user.memory_id))
    except TimeoutError:
        return Facts(reason="timeout")
    except ZepRequestError as error:
        return Facts(reason=error.reason)


async def why_reads_are_off() -> str:
    """`disabled` by the settings, `reads_are_off` by the guard; empty where Zep may be read."""
    if base_mode() is not MemoryMode.READ_WRITE:
        return "disabled"
    try:
        mode = effective(base_mode(), (await guard.read_state()).guard)
    except RedisDown:
        return "state_unavailable"
    return "" if mode is MemoryMode.READ_WRITE else "reads_are_off"
