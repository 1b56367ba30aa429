"""Making what was deleted unreadable in the files of the database and of Redis, where they keep what was before.

SQLite's write-ahead log holds pages as they were, Redis's append-only file every value that ever was, its dump those of
its last `save`. PostgreSQL's autovacuum, and what a hosted Redis does with its files, are their own.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from assistant.errors import EasyIslandersError

REWRITE_SECONDS = 20.0
LOOK_SECONDS = 0.05
REDIS_SECONDS = 2.0
UNKNOWN = ("unknown command", "unknown subcommand")  # redis-py has no class of its own for it


class NotSealed(EasyIslandersError):
    """Something still holds the old files. Try later."""

    reason = "not_sealed"


def seal() -> None:
    """Seal both. Raise NotSealed, or RedisError where Redis does not answer."""
    _seal_database()
    for url in {settings.CACHE_REDIS_URL, settings.REDIS_URL}:
        _seal_redis(url)


def _seal_database() -> None:
    """Bring the write-ahead log into the file and empty it.

    In the file itself deleted content has been overwritten with zeros (`PRAGMA secure_delete`, see settings).
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        is_busy, _, _ = cursor.fetchone()
    if is_busy:
        raise NotSealed


def _seal_redis(url: str) -> None:
    """Have the append-only file and the dump written anew, from what is there now, where it keeps them.

    One that is being written already may have begun before the deletion: after it another one is asked for. A server
    that allows nobody to ask (hosted ones do not) rewrites its files in its own time. Raise NotSealed.
    """
    with Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS) as redis:
        with _where_allowed():
            if redis.info("persistence").get("aof_enabled"):
                _rewrite(redis)
        with _where_allowed():
            if redis.config_get("save").get("save"):
                _dump(redis)


@contextmanager
def _where_allowed() -> Iterator[None]:
    """Go past what nobody may ask of the server. Raise NotSealed where it refuses only now, as to two at once."""
    try:
        yield
    except NoPermissionError:
        return
    except ResponseError as error:
        if not str(error).lower().startswith(UNKNOWN):
            raise NotSealed from error


def _rewrite(redis: Redis) -> None:
    _wait_while_it_writes(redis)
    redis.bgrewriteaof()
    _wait_while_it_writes(redis)


def _dump(redis: Redis) -> None:
    """Replace the dump, which would else stay until enough has changed. Raise NotSealed where it cannot be written."""
    _wait_while_it_writes(redis)
    redis.bgsave()
    _wait_while_it_writes(redis)
    if redis.info("persistence")["rdb_last_bgsave_status"] != "ok":
        raise NotSealed


def _wait_while_it_writes(redis: Redis) -> None:
    deadline = time.monotonic() + REWRITE_SECONDS
    while _is_writing(redis):
        if time.monotonic() > deadline:
            raise NotSealed
        time.sleep(LOOK_SECONDS)


def _is_writing(redis: Redis) -> bool:
    known = redis.info("persistence")
    return any(known[name] for name in ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress"))
