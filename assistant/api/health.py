"""Whether this process is up, and whether it is ready for turns."""

import asyncio
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis.asyncio import Redis
from redis.exceptions import RedisError

from assistant.database import in_database
from assistant.memory import guard
from assistant.memory.flags import MemoryMode, base_mode
from assistant.redis_link import RedisDown, state_redis

PROBE_SECONDS = 0.2
DATABASE_SECONDS = 2.0
_has_seen_guard = False
DEFAULT_PORTS = {"http": 80, "https": 443, "amqp": 5672, "amqps": 5671, "pyamqp": 5672}


@require_safe
async def healthz(_request: HttpRequest) -> HttpResponse:
    """The process is up."""
    return JsonResponse({"status": "ok"})


@require_safe
async def readyz(_request: HttpRequest) -> HttpResponse:
    """503 without the database, and after a start until the guard's state is there.

    Turns are answered without Redis, the broker and Zep.
    """
    database, redis, broker, zep, guard_state = await asyncio.gather(_database(), _redis(), _broker(), _zep(), _guard())
    checks = {"database": database, "redis": redis, "broker": broker, "zep": zep, "guard": guard_state}
    is_ready = database == "ok" and guard_state != "initialising"
    status = "ok" if is_ready else "unavailable"
    return JsonResponse({"status": status, "checks": checks}, status=200 if is_ready else 503)


async def _database() -> str:
    """A database that does not say in time whether it is there is not."""
    asked = asyncio.create_task(in_database(_select_one))
    asked.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    await asyncio.wait({asked}, timeout=DATABASE_SECONDS)
    return "ok" if asked.done() and not asked.exception() else "unavailable"


def _select_one() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _redis() -> str:
    try:
        await state_redis().exchange("readyz", lambda redis: redis.ping())
    except RedisDown:
        return "degraded"
    return "ok"


async def _guard() -> str:
    """`initialising` until this process has seen the guard's state; later a loss of it is `degraded`."""
    global _has_seen_guard  # noqa: PLW0603  # one per process by design
    if base_mode() is not MemoryMode.READ_WRITE:
        return "ok"
    try:
        is_there = (await guard.read_state()).initialised
    except RedisDown:
        return "degraded"
    _has_seen_guard = _has_seen_guard or is_there
    if is_there:
        return "ok"
    return "degraded" if _has_seen_guard else "initialising"


async def _broker() -> str:
    if not settings.CELERY_BROKER_URL.startswith("redis"):
        return await _connectable(settings.CELERY_BROKER_URL)
    client = Redis.from_url(settings.CELERY_BROKER_URL)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await client.ping()
    except (RedisError, OSError, TimeoutError):
        return "degraded"
    finally:
        await client.aclose()
    return "ok"


async def _zep() -> str:
    """Whether Zep's port can be connected to; nothing is asked of it from here."""
    return await _connectable(settings.ZEP_BASE_URL) if settings.ZEP_BASE_URL else "ok"


async def _connectable(url: str) -> str:
    address = urlsplit(url)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            _, writer = await asyncio.open_connection(address.hostname, address.port or DEFAULT_PORTS[address.scheme])
            writer.close()
    except (OSError, TimeoutError):
        return "degraded"
    return "ok"
