"""An erasure's part at Zep: the user with sessions and graph deleted, and read back until nothing is shown.

Raises `ZepUnavailable` where Zep does not answer; neither the write hold nor the guard is told of anything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from django.conf import settings

from assistant import loops
from assistant.errors import EasyIslandersError
from assistant.memory.zep_client import zep

CALLS_AT_ONCE = 10
LOOKS = 3  # then it is tried again later: Zep may delete in its own time


class StillThere(EasyIslandersError):
    """Zep, or a storage, goes on showing what it was told to delete. Try later."""

    reason = "still_there"


class NotConfigured(EasyIslandersError):
    """Nobody said where Zep is, and it may have been told things once. Set ZEP_BASE_URL and ZEP_API_KEY."""

    reason = "zep_not_configured"


def is_configured() -> bool:
    """Whether somebody said where Zep is."""
    return bool(settings.ZEP_BASE_URL and settings.ZEP_API_KEY)


def delete(memory_id: UUID, threads: Sequence[str]) -> None:
    """Delete the user and these sessions, and return once Zep shows none of it. Raise ZepRequestError, StillThere."""
    _demand_configuration()
    loops.run(_delete(memory_id, threads))


def delete_what_came_back(memory_id: UUID, threads: Sequence[str]) -> bool:
    """Look again, and delete what is there after all. True where there was something."""
    _demand_configuration()
    return loops.run(_delete_what_came_back(memory_id, threads))


def _demand_configuration() -> None:
    if not is_configured():
        raise NotConfigured


async def _delete(memory_id: UUID, threads: Sequence[str]) -> None:
    await zep().delete_user(memory_id)
    left = list(threads)
    for _ in range(LOOKS):
        left = await _which(zep().has_thread, left)
        if not left and not await zep().has_user(memory_id):
            return
        await _which(zep().delete_thread, left)
        await zep().delete_user(memory_id)
    raise StillThere


async def _delete_what_came_back(memory_id: UUID, threads: Sequence[str]) -> bool:
    came_back = await _which(zep().has_thread, threads)
    if came_back or await zep().has_user(memory_id):
        await _delete(memory_id, threads)
        return True
    return False


async def _which(call: Callable[[str], Awaitable[bool | None]], threads: Sequence[str]) -> list[str]:
    """Those for which the call says yes; a few at a time."""
    at_once = asyncio.Semaphore(CALLS_AT_ONCE)

    async def limited(thread_id: str) -> bool | None:
        async with at_once:
            return await call(thread_id)

    answers = await asyncio.gather(*map(limited, threads))
    return [thread_id for thread_id, answer in zip(threads, answers, strict=True) if answer]
