"""Reading a thread's context within a budget. Never raises on account of Zep or Redis; every outcome is in `meta`.

`meta` is the memory trace of the HTTP and WebSocket answers: `used`, `mode`, `source`, and where they apply `took_ms`,
`cached`, `facts_count`, `recent_count`, `reason`, `status_code`.
"""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from assistant import loops
from assistant.events import ContextRead, ContextServedFromCache, announce
from assistant.memory import context_cache
from assistant.memory.context import ContextMode, ThreadContext
from assistant.memory.errors import ZepRequestError, ZepTimeout, ZepUnauthorized
from assistant.memory.flags import MemoryMode, effective_mode
from assistant.memory.redacted import RedactedText, RedactionFailed
from assistant.memory.zep_client import zep
from assistant.redis_link import RedisDown

Meta = dict[str, object]
SOURCES: dict[type[ZepRequestError], str] = {ZepTimeout: "timeout", ZepUnauthorized: "auth"}


@dataclass(frozen=True)
class UserSearch:
    """On a thread's first turn Zep has nothing under its id: the user's facts are searched instead, by these words."""

    memory_id: UUID
    words: str


async def fetch_thread_context_async(
    thread_id: str,
    *,
    mode: ContextMode = "summary",
    timeout_ms: int | None = None,
    search: UserSearch | None = None,
) -> tuple[ThreadContext | None, Meta]:
    """Return what Zep remembers of the thread, or None, with the trace of how that came about.

    `timeout_ms`: the total budget, counted from the first line over Redis, connecting, the body and its parsing;
    default `ZEP_READ_BUDGET_MS`. Costs one Redis round trip when cached, else two and one call to Zep.
    """
    effective = effective_mode()
    if effective is not MemoryMode.READ_WRITE:
        return None, not_read(effective)
    budget_seconds = (settings.ZEP_READ_BUDGET_MS if timeout_ms is None else timeout_ms) / 1000
    read = _Read(thread_id, mode, search)
    try:
        async with asyncio.timeout(budget_seconds):
            context = await read.run()
    except TimeoutError:
        return None, read.failed(ZepTimeout())
    except ZepRequestError as error:
        return None, read.failed(error)
    except RedisDown:
        return None, read.trace(used=False, source="local", reason="state_unavailable")
    except RedactionFailed:
        return None, read.trace(used=False, source="local", reason="redaction_failed")
    return context, read.succeeded(context)


def fetch_thread_context(
    thread_id: str, *, mode: ContextMode = "summary", timeout_ms: int = 250
) -> tuple[ThreadContext | None, Meta]:
    """The same for code that is not async."""
    return loops.run(fetch_thread_context_async(thread_id, mode=mode, timeout_ms=timeout_ms))


def invalidate_context(thread_id: str) -> None:
    """Forget the cached context of a thread; the next read asks Zep. Raise RedisDown when Redis does not answer."""
    loops.run(context_cache.forget(thread_id))


async def refresh_context(thread_id: str) -> None:
    """Put the thread's context as Zep has it now into the cache. Best effort: a failure leaves the cache empty.

    For the worker, after Zep acknowledged new messages: the next turn's inline read is then a hit, and fresh.
    """
    if effective_mode() is not MemoryMode.READ_WRITE:
        return
    with suppress(RedisDown, ZepRequestError, TimeoutError, RedactionFailed):
        generation = await context_cache.forget(thread_id)
        async with asyncio.timeout(settings.ZEP_WRITE_TIMEOUT_MS / 1000):
            context = await zep().read_context(thread_id)
        await context_cache.fill(thread_id, "summary", context, generation)


def not_read(effective: MemoryMode) -> Meta:
    """The trace where the mode forbids reading; in `write_only` memory takes part by accepting the turn."""
    used = effective is MemoryMode.WRITE_ONLY
    return {"used": used, "mode": effective.value, "source": "local", "reason": "disabled"}


class _Read:
    """One read under way: remembers when it began and what it asked, so that every end can be traced."""

    def __init__(self, thread_id: str, mode: ContextMode, search: UserSearch | None) -> None:
        self.started = time.perf_counter()
        self.asked_zep_at: float | None = None
        self.thread_id, self.mode, self.search = thread_id, mode, search

    async def run(self) -> ThreadContext:
        found = await context_cache.look_up(self.thread_id, self.mode)
        if found.context is not None:
            return found.context
        if self.search is not None:
            words = RedactedText(self.search.words)
            return (await self._ask_zep(zep().search_facts(self.search.memory_id, words))).narrowed(self.mode)
        context = (await self._ask_zep(zep().read_context(self.thread_id))).narrowed(self.mode)
        loops.in_background(_fill_quietly(self.thread_id, self.mode, context, found.generation))
        return context

    async def _ask_zep(self, call: Awaitable[ThreadContext]) -> ThreadContext:
        self.asked_zep_at = time.perf_counter()
        return await call

    def succeeded(self, context: ThreadContext) -> Meta:
        cached = self.asked_zep_at is None
        self._announce("")
        counts = {"facts_count": len(context.facts), "recent_count": len(context.recent)}
        return self.trace(used=True, source="zep", cached=cached, **counts)

    def failed(self, error: ZepRequestError) -> Meta:
        self._announce(error.reason)
        meta = self.trace(used=False, source=SOURCES.get(type(error), "local"), reason=error.reason)
        return meta | ({"status_code": error.status_code} if error.status_code else {})

    def trace(self, *, used: bool, source: str, **more: object) -> Meta:
        took_ms = round((time.perf_counter() - self.started) * 1000)
        return {"used": used, "mode": MemoryMode.READ_WRITE.value, "source": source, "took_ms": took_ms} | more

    def _announce(self, reason: str) -> None:
        if self.asked_zep_at is None and not reason:
            announce(ContextServedFromCache())
        elif self.asked_zep_at is not None:
            announce(ContextRead(time.perf_counter() - self.asked_zep_at, reason))


async def _fill_quietly(thread_id: str, mode: ContextMode, context: ThreadContext, generation: str) -> None:
    with suppress(RedisDown):
        await context_cache.fill(thread_id, mode, context, generation)
