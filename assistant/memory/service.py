"""Reading a thread's context within a budget. Never raises on account of Zep or Redis; every outcome is in `meta`.

`meta` is the memory trace of the HTTP and WebSocket answers: `used`, `mode`, `source`, and where they apply `took_ms`,
`cached`, `facts_count`, `recent_count`, `reason`, `status_code`, `until`. The guard is asked first: while it is forced,
or its state is not known, Zep is not read, due or not. What a read met is reported to it after the answer.
"""

import asyncio
import time
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from assistant import loops
from assistant.events import ContextRead, ContextRefreshed, ContextServedFromCache, ReadBlocked, announce
from assistant.memory import canary, context_cache, guard
from assistant.memory.context import ContextMode, ThreadContext
from assistant.memory.context_cache import CacheLookup, StaleCopy
from assistant.memory.errors import ZepRateLimited, ZepRejected, ZepRequestError, ZepTimeout, ZepUnauthorized
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.guard import Kind
from assistant.memory.modes import Guard
from assistant.memory.redacted import RedactedText, RedactionFailed
from assistant.memory.zep_client import zep
from assistant.redis_link import RedisDown

Meta = dict[str, object]
SOURCES: dict[type[ZepRequestError], str] = {ZepTimeout: "timeout", ZepUnauthorized: "auth"}
FAIR_SHARE = 0.5  # of the budget; a Zep that had less of it did not fail, this process was too busy
NOT_CACHED = CacheLookup(None, "")
# The trace of a thread that memory is not rolled out to yet: nothing was asked of Redis or Zep.
EXCLUDED: Meta = {"used": False, "mode": MemoryMode.READ_WRITE.value, "source": "local", "reason": "canary"}


@dataclass(frozen=True)
class UserSearch:
    """On a thread's first turn Zep has nothing under its id: the user's facts are searched instead, by these words."""

    memory_id: UUID
    words: str


@dataclass(frozen=True)
class Remembered:
    """What a read came to. `stale`: an old copy, where the read gave nothing; whoever uses it says so."""

    context: ThreadContext | None
    meta: Meta
    stale: StaleCopy | None = None


async def fetch_thread_context_async(
    thread_id: str,
    *,
    mode: ContextMode = "summary",
    timeout_ms: int | None = None,
    search: UserSearch | None = None,
) -> tuple[ThreadContext | None, Meta]:
    """Return what Zep remembers of the thread, or None, with the trace of how that came about.

    `timeout_ms`: the total budget, counted from the first line over Redis, connecting, the body and its parsing;
    default `ZEP_READ_BUDGET_MS`. Costs two Redis round trips, made together; where Zep is asked up to two more after
    the answer.
    """
    remembered = await remember(thread_id, mode=mode, timeout_ms=timeout_ms, search=search)
    return remembered.context, remembered.meta


async def remember(
    thread_id: str,
    *,
    mode: ContextMode = "summary",
    timeout_ms: int | None = None,
    search: UserSearch | None = None,
) -> Remembered:
    """The same, with the old copy of the context where the read gave nothing and there is one."""
    if base_mode() is not MemoryMode.READ_WRITE:
        return Remembered(None, not_read(base_mode()))
    if not canary.reads_memory(thread_id):
        return Remembered(None, dict(EXCLUDED))
    budget_seconds = (settings.ZEP_READ_BUDGET_MS if timeout_ms is None else timeout_ms) / 1000
    read = _Read(thread_id, mode, search, budget_seconds)
    try:
        async with asyncio.timeout(budget_seconds):
            return await read.run()
    except TimeoutError:
        return read.failed(ZepTimeout())
    except ZepRequestError as error:
        return read.failed(error)
    except RedactionFailed:
        return read.without(source="local", reason="redaction_failed")


def fetch_thread_context(
    thread_id: str, *, mode: ContextMode = "summary", timeout_ms: int = 250
) -> tuple[ThreadContext | None, Meta]:
    """The same for code that is not async."""
    return loops.run(fetch_thread_context_async(thread_id, mode=mode, timeout_ms=timeout_ms))


def invalidate_context(thread_id: str) -> None:
    """Forget the cached context of a thread; the next read asks Zep. Raise RedisDown when Redis does not answer."""
    loops.run(context_cache.forget(thread_id, stale_too=True))


async def outdate_context(thread_id: str) -> None:
    """The thread has new messages at Zep: what is cached of it is old."""
    with suppress(RedisDown):
        await context_cache.forget(thread_id)


async def refresh_context(thread_id: str) -> None:
    """Put the thread's context as Zep has it now into the cache. Best effort: a failure leaves the cache empty.

    For the worker, after Zep acknowledged new messages: the next turn's inline read is then a hit, and fresh. Zep is
    not asked while the guard is forced or reads are paused, and the guard is told nothing of how it went.
    """
    if base_mode() is not MemoryMode.READ_WRITE:
        return
    if not canary.reads_memory(thread_id):  # where the share is being changed, another process may still read it
        await outdate_context(thread_id)
        return
    with suppress(RedisDown):
        generation = await context_cache.forget(thread_id)
        state = await guard.read_state()
        if state.guard is Guard.OPEN and state.paused_until is None:
            await _refresh(thread_id, generation)


async def _state() -> guard.GuardState:
    try:
        return await guard.read_state()
    except RedisDown:
        return guard.UNKNOWN


async def _refresh(thread_id: str, generation: str) -> None:
    try:
        async with asyncio.timeout(settings.ZEP_WRITE_TIMEOUT_MS / 1000):
            context = await zep().read_context(thread_id)
    except TimeoutError:
        announce(ContextRefreshed("timeout"))
    except ZepRequestError as error:
        announce(ContextRefreshed(error.reason))
    except RedactionFailed:
        announce(ContextRefreshed("other"))
    else:
        await context_cache.fill(thread_id, "summary", context, generation)
        announce(ContextRefreshed())


def not_read(effective: MemoryMode) -> Meta:
    """The trace where the settings forbid reading; in `write_only` memory takes part by accepting the turn."""
    used = effective is MemoryMode.WRITE_ONLY
    return {"used": used, "mode": effective.value, "source": "local", "reason": "disabled"}


class _Read:
    """One read under way: remembers when it began and what it asked, so that every end can be traced and reported."""

    def __init__(self, thread_id: str, mode: ContextMode, search: UserSearch | None, budget_seconds: float) -> None:
        self.started, self.budget_seconds = time.perf_counter(), budget_seconds
        self.asked_zep_at: float | None = None
        self.thread_id, self.mode, self.search = thread_id, mode, search
        self.state, self.found = guard.UNKNOWN, NOT_CACHED

    async def run(self) -> Remembered:
        self.state, self.found = await asyncio.gather(_state(), self._look_up())
        if self.state.guard is None or guard.is_unheard():
            return self.blocked("state_unavailable")
        if self.state.forced is not None:
            return self._forced(self.state.forced)
        if self.found.context is not None:
            announce(ContextServedFromCache())
            return self._succeeded(self.found.context, cached=True)
        if self.state.paused_until is not None:
            return self.blocked("rate_limited", until=self.state.paused_until)
        context = (await self._ask_zep()).narrowed(self.mode)
        self._report_success()
        if self.search is None:
            _later(context_cache.fill(self.thread_id, self.mode, context, self.found.generation))
        return self._succeeded(context, cached=False)

    def failed(self, error: ZepRequestError) -> Remembered:
        self._report_failure(error)
        status = {"status_code": error.status_code} if error.status_code else {}
        return self.without(source=SOURCES.get(type(error), "local"), reason=error.reason, **status)

    def blocked(self, reason: str, **more: object) -> Remembered:
        """Zep was not asked, and for now nobody asks it."""
        announce(ReadBlocked(self.thread_id, reason))
        mode = MemoryMode.WRITE_ONLY if reason == "state_unavailable" else MemoryMode.READ_WRITE
        return self.without(mode=mode.value, source="local", reason=reason, **more)

    def without(self, **more: object) -> Remembered:
        return Remembered(None, self._trace(used=False, **more), self.found.stale)

    def _forced(self, forced: guard.ForcedMode) -> Remembered:
        announce(ReadBlocked(self.thread_id, forced.reason, is_forced=True))
        until = {} if forced.until is None else {"until": forced.until}
        mode = MemoryMode.WRITE_ONLY.value
        meta = {"used": False, "mode": mode, "source": "write_only_forced", "reason": forced.reason} | until
        return Remembered(None, meta, self.found.stale)

    async def _look_up(self) -> CacheLookup:
        """Without the cache's Redis there is nothing cached; without the guard's, nothing is read."""
        try:
            return await context_cache.look_up(self.thread_id, self.mode)
        except RedisDown:
            return NOT_CACHED

    async def _ask_zep(self) -> ThreadContext:
        call: Awaitable[ThreadContext]
        if self.search is not None:
            call = zep().search_facts(self.search.memory_id, RedactedText(self.search.words))
        else:
            call = zep().read_context(self.thread_id)
        self.asked_zep_at = time.perf_counter()
        return await call

    def _report_success(self) -> None:
        seconds = self._seconds_at_zep()
        announce(ContextRead(seconds))
        slow_ms = settings.MEMORY_DOWNGRADE_LATENCY_MS
        kind = Kind.SLOW if slow_ms and seconds * 1000 > slow_ms else Kind.SUCCESS
        if guard.must_be_told_of_success(self.state):
            _later(guard.report(kind, self.state.epoch))

    def _report_failure(self, error: ZepRequestError) -> None:
        """A read that got to Zep too late says nothing about it; nor does a refusal of what was asked."""
        if self.asked_zep_at is None:
            return
        announce(ContextRead(self._seconds_at_zep(), error.reason))
        if isinstance(error, ZepRateLimited):
            _later(guard.pause(error.retry_after, self.state.epoch))
        elif not isinstance(error, ZepRejected) and not self._was_our_own_delay(error):
            kind = Kind.AUTH if isinstance(error, ZepUnauthorized) else Kind.FAILURE
            _later(guard.report_failure(kind, self.state.epoch))

    def _was_our_own_delay(self, error: ZepRequestError) -> bool:
        """Whether the time ran out because this process, or Redis, had used most of it before Zep was asked."""
        is_our_deadline = isinstance(error, ZepTimeout) and error.status_code is None
        return is_our_deadline and self._seconds_at_zep() < FAIR_SHARE * self.budget_seconds

    def _succeeded(self, context: ThreadContext, *, cached: bool) -> Remembered:
        counts = {"facts_count": len(context.facts), "recent_count": len(context.recent)}
        return Remembered(context, self._trace(used=True, source="zep", cached=cached, **counts))

    def _trace(self, **more: object) -> Meta:
        took_ms = round((time.perf_counter() - self.started) * 1000)
        return {"used": False, "mode": MemoryMode.READ_WRITE.value, "took_ms": took_ms} | more

    def _seconds_at_zep(self) -> float:
        return time.perf_counter() - (self.asked_zep_at or self.started)


def _later(work: Coroutine[Any, Any, object]) -> None:
    """Do it after the answer; without Redis, not at all."""

    async def quietly() -> None:
        with suppress(RedisDown):
            await work

    loops.in_background(quietly())
