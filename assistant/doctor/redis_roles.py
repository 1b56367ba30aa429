"""Both Redis roles: state, of which nothing may be lost, and the context cache, which may forget."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from assistant.doctor.findings import RUNBOOK, Finding, failed, ok, warning
from assistant.memory.guard_scripts import INITIALISED_KEY

STATE, CACHE = "redis state", "redis cache"
ANSWER_SECONDS = 2.0
NEARLY_FULL = 0.9
KEEPS_EVERYTHING = "noeviction"


@contextmanager
def asked(url: str) -> Iterator["Redis"]:
    """A client that waits two seconds for an answer, and tries once."""
    client = Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
    try:
        yield client
    finally:
        client.close()


def look_at_state() -> list[Finding]:
    """Reachable, evicts nothing, writes what it is told to disk, has room, and has the guard's state."""
    try:
        with asked(settings.REDIS_URL) as client:
            told, has_state = _told_by(client), bool(client.exists(INITIALISED_KEY))
    except RedisError as error:
        todo = f"Start it, and compare REDIS_URL with where it listens; {RUNBOOK}memoryguardstateunavailable"
        return [failed(STATE, f"It does not answer: {type(error).__name__}. Nobody reads memory meanwhile.", todo)]
    found = [*_eviction(told), *_persistence(told), *_room(told)]
    if not has_state:
        todo = f"Start the control worker, which makes it within a tick; {RUNBOOK}memoryguardstateunavailable"
        found.append(failed(STATE, "It has no state of the guard: nobody reads memory.", todo))
    return found or [ok(STATE, "It answers, evicts nothing, writes to disk, and has the guard's state.")]


def look_at_cache() -> list[Finding]:
    """Reachable, apart from the state, and free to forget."""
    try:
        with asked(settings.CACHE_REDIS_URL) as client:
            told = _told_by(client)
        with asked(settings.REDIS_URL) as client:
            is_the_same = _same_server(told, client)
    except RedisError as error:
        todo = "Start it, and compare CACHE_REDIS_URL with where it listens."
        return [failed(CACHE, f"It does not answer: {type(error).__name__}. Each turn asks Zep meanwhile.", todo)]
    if is_the_same:
        todo = "In production give the cache an instance of its own (CACHE_REDIS_URL) with maxmemory and allkeys-lru."
        return [warning(CACHE, "It is the same server as the state's, which may evict nothing.", todo)]
    if told.get("maxmemory_policy") == KEEPS_EVERYTHING or not int(told.get("maxmemory", 0)):
        todo = (
            "redis-cli CONFIG SET maxmemory 256mb; redis-cli CONFIG SET maxmemory-policy allkeys-lru; and in its file."
        )
        return [warning(CACHE, "It may not forget, or has no limit: it will fill its machine.", todo)]
    return [ok(CACHE, f"It answers, and forgets by {told['maxmemory_policy']}.")]


def _told_by(client: "Redis") -> dict[str, Any]:
    """What it says of itself. INFO, because managed servers often forbid CONFIG."""
    sections: list[dict[str, Any]] = [client.info(name) for name in ("server", "memory", "persistence", "stats")]
    return {key: value for section in sections for key, value in section.items()}


def _same_server(told: dict[str, Any], state: "Redis") -> bool:
    """The run id tells, whatever names lead there. Where the state's does not answer, another check says so."""
    try:
        return bool(state.info("server")["run_id"] == told["run_id"])
    except RedisError:
        return False


def _eviction(told: dict[str, Any]) -> Iterator[Finding]:
    if (policy := told.get("maxmemory_policy")) != KEEPS_EVERYTHING:
        todo = "redis-cli CONFIG SET maxmemory-policy noeviction, and in its file."
        yield failed(STATE, f"Its maxmemory-policy is {policy}: queues and holds can vanish.", todo)
    if evicted := int(told.get("evicted_keys", 0)):
        todo = "Set noeviction; compare manage.py zep_mode with what you expect; zep_mirror shows what waits."
        yield warning(STATE, f"It has evicted {evicted} keys since it started.", todo)


def _persistence(told: dict[str, Any]) -> Iterator[Finding]:
    if not int(told.get("aof_enabled", 0)):
        todo = (
            "redis-cli CONFIG SET appendonly yes, and in its file: a restart forgets queues and holds else. "
            "Restart it only when INFO persistence says aof_rewrite_in_progress:0."
        )
        yield failed(STATE, "It does not write to disk (no AOF).", todo)
    elif told.get("aof_last_write_status") == "err":
        yield failed(STATE, "Its last write to disk failed.", "Look at its disk: full, or read-only? Then its log.")


def _room(told: dict[str, Any]) -> Iterator[Finding]:
    limit = int(told.get("maxmemory", 0))
    if limit and int(told["used_memory"]) > NEARLY_FULL * limit:
        todo = "Raise maxmemory; manage.py memory_doctor says under `queues` what piles up."
        yield warning(STATE, "Its memory is nearly full; when it is, it refuses writes.", todo)
