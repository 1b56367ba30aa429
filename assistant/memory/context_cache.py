"""The context cache in Redis: `mem:ctx:v1:<thread>:<mode>` for 30 s. Knows nothing of Zep or turns.

A generation number per thread (`mem:ctx:v1:<thread>:gen`) grows whenever the thread's context is known to have changed;
a fill that was read under an older generation is dropped, so a slow reader never puts stale context back.
"""

from dataclasses import dataclass

from django.conf import settings
from redis.asyncio import Redis

from assistant.memory.context import CONTEXT_MODES, ContextMode, ThreadContext
from assistant.redis_link import cache_redis

GENERATION_SECONDS = 24 * 3600  # longer than any read; when it lapses the thread was idle and nothing is cached

FILL = """
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


@dataclass(frozen=True)
class CacheLookup:
    """What the cache held. `generation` goes back with the fill."""

    context: ThreadContext | None
    generation: str


async def look_up(thread_id: str, mode: ContextMode) -> CacheLookup:
    """One round trip. Raise RedisDown when Redis does not answer within its budget."""
    keys = [_key(thread_id, mode), _generation_key(thread_id)]
    stored, generation = await cache_redis().exchange("context_cache", lambda redis: redis.mget(keys))
    return CacheLookup(_parsed(stored), str(generation or "0"))


async def fill(thread_id: str, mode: ContextMode, context: ThreadContext, generation: str) -> bool:
    """Store `context` unless the thread moved on since `generation`. One round trip. May raise RedisDown."""

    async def run(redis: Redis) -> object:
        keys = [_key(thread_id, mode), _generation_key(thread_id)]
        return await redis.eval(FILL, 2, *keys, generation, context.to_json(), str(settings.CONTEXT_CACHE_SECONDS))

    return bool(await cache_redis().exchange("context_cache", run))


async def forget(thread_id: str) -> str:
    """Drop the thread's context and start a new generation, which is returned. One round trip. May raise RedisDown."""

    async def run(redis: Redis) -> list[object]:
        async with redis.pipeline(transaction=True) as pipe:
            pipe.incr(_generation_key(thread_id))
            pipe.expire(_generation_key(thread_id), GENERATION_SECONDS)
            pipe.delete(*(_key(thread_id, mode) for mode in CONTEXT_MODES))
            return list(await pipe.execute())

    results = await cache_redis().exchange("context_cache", run)
    return str(results[0])


def _key(thread_id: str, mode: ContextMode) -> str:
    return f"mem:ctx:v1:{thread_id}:{mode}"


def _generation_key(thread_id: str) -> str:
    return f"mem:ctx:v1:{thread_id}:gen"


def _parsed(stored: bytes | str | None) -> ThreadContext | None:
    """A damaged entry is no entry."""
    try:
        return ThreadContext.from_json(stored) if stored else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
