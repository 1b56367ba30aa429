"""The context cache in Redis: `mem:ctx:v1:<thread>:<mode>` for 30 s. Knows nothing of Zep or turns.

A generation number per thread (`mem:ctx:v1:<thread>:gen`) grows whenever the thread's context is known to have changed;
a fill that was read under an older generation is dropped, so a slow reader never puts stale context back. A copy
(`mem:ctx:v1:<thread>:stale`, of the whole context) stays for ten minutes, for turns whose read failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from redis.asyncio import Redis

from assistant.memory.context import CONTEXT_MODES, ContextMode, ThreadContext
from assistant.redis_link import cache_redis

FORGOTTEN_AT_ONCE = 200  # threads in one round trip: a few milliseconds of Redis
GENERATION_SECONDS = 24 * 3600  # longer than any read; when it lapses the thread was idle and nothing is cached

LOOK_UP = """
local fresh, generation = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
if fresh then return {fresh, generation, false, redis.call('PTTL', KEYS[1])} end
return {false, generation, redis.call('GET', KEYS[3]), redis.call('PTTL', KEYS[3])}
"""
FILL = """
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
if ARGV[4] ~= '0' then redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[4]) end
return 1
"""


@dataclass(frozen=True)
class StaleCopy:
    """A context that was right `age_seconds` ago."""

    context: ThreadContext
    age_seconds: float


@dataclass(frozen=True)
class CacheLookup:
    """What the cache held. `generation` goes back with the fill. `stale`: the same context, or an older copy."""

    context: ThreadContext | None
    generation: str
    stale: StaleCopy | None = None


async def look_up(thread_id: str, mode: ContextMode) -> CacheLookup:
    """One round trip. Raise RedisDown when Redis does not answer within its budget."""

    async def run(redis: Redis) -> Any:
        return await redis.register_script(LOOK_UP)(_keys(thread_id, mode))

    fresh, generation, stale, milliseconds_left = await cache_redis().exchange("context_cache", run)
    context, lifetime = _parsed(fresh), settings.CONTEXT_CACHE_SECONDS if fresh else settings.CONTEXT_STALE_SECONDS
    age = max(0.0, lifetime - int(milliseconds_left) / 1000)
    old = context or _parsed(stale)
    return CacheLookup(context, str(generation or "0"), StaleCopy(old, age) if old else None)


async def fill(thread_id: str, mode: ContextMode, context: ThreadContext, generation: str) -> bool:
    """Store `context` unless the thread moved on since `generation`. One round trip. May raise RedisDown."""
    stale_seconds = settings.CONTEXT_STALE_SECONDS if mode == "summary" else 0
    arguments = (generation, context.to_json(), settings.CONTEXT_CACHE_SECONDS, stale_seconds)

    async def run(redis: Redis) -> object:
        return await redis.register_script(FILL)(_keys(thread_id, mode), arguments)

    return bool(await cache_redis().exchange("context_cache", run))


async def forget(thread_id: str, *, stale_too: bool = False) -> str:
    """Drop the thread's context and start a new generation, which is returned. One round trip. May raise RedisDown."""
    work = partial(_forget, [thread_id], stale_too=stale_too)
    results = await cache_redis().exchange("context_cache", work)
    return str(results[0])


async def forget_all(thread_ids: Sequence[str]) -> None:
    """The same for many threads, old copies too. One round trip for each 200. May raise RedisDown."""
    for at in range(0, len(thread_ids), FORGOTTEN_AT_ONCE):
        work = partial(_forget, thread_ids[at : at + FORGOTTEN_AT_ONCE], stale_too=True)
        await cache_redis().exchange("context_cache", work, patiently=True)


async def forget_for_good(thread_ids: Sequence[str]) -> None:
    """The same for threads that nobody can be reading any more: without a generation, which only a late reader needs.

    One round trip for each 200. May raise RedisDown.
    """
    for at in range(0, len(thread_ids), FORGOTTEN_AT_ONCE):
        work = partial(_forget_for_good, thread_ids[at : at + FORGOTTEN_AT_ONCE])
        await cache_redis().exchange("context_cache", work, patiently=True)


async def _forget(thread_ids: Sequence[str], redis: Redis, *, stale_too: bool) -> list[object]:
    """What Redis answered, for each thread in turn; first of all the first thread's new generation."""
    dropped = (*CONTEXT_MODES, "stale") if stale_too else CONTEXT_MODES
    async with redis.pipeline(transaction=True) as pipe:
        for thread_id in thread_ids:
            pipe.incr(_generation_key(thread_id))
            pipe.expire(_generation_key(thread_id), GENERATION_SECONDS)
            pipe.delete(*(_key(thread_id, mode) for mode in dropped))
        return list(await pipe.execute())


async def _forget_for_good(thread_ids: Sequence[str], redis: Redis) -> None:
    await redis.delete(*(_key(each, what) for each in thread_ids for what in (*CONTEXT_MODES, "stale", "gen")))


def _keys(thread_id: str, mode: ContextMode) -> list[str]:
    return [_key(thread_id, mode), _generation_key(thread_id), _key(thread_id, "stale")]


def _key(thread_id: str, mode: str) -> str:
    return f"mem:ctx:v1:{thread_id}:{mode}"


def _generation_key(thread_id: str) -> str:
    return _key(thread_id, "gen")


def _parsed(stored: bytes | str | None) -> ThreadContext | None:
    """A damaged entry is no entry."""
    try:
        return ThreadContext.from_json(stored) if stored else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
