"""This machine's clock against Redis's and the database's: tasks' times and tokens' ends are compared across them."""

import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from redis.exceptions import RedisError

from assistant.doctor.findings import Finding, failed, ok, skipped, warning
from assistant.doctor.redis_roles import asked

NAME = "clock"
WARNS_AT, FAILS_AT = 2.0, 30.0
TODO = "timedatectl status; systemctl restart chrony (or systemd-timesyncd), on this machine and on that one."


def look(now: Callable[[], float] = time.time) -> list[Finding]:
    """A finding for each other clock. `now`: this machine's, in epoch seconds."""
    return [_against("Redis", _redis, now), _against("the database", _database, now)]


def _against(whose: str, ask: Callable[[], float | None], now: Callable[[], float]) -> Finding:
    """The other's answer came from between the two readings: only what is outside them is a difference."""
    before = now()
    try:
        theirs = ask()
    except (RedisError, DatabaseError) as error:
        return skipped(NAME, f"{whose} does not answer: {type(error).__name__}.", "See its own check.")
    after = now()
    if theirs is None:
        return ok(NAME, f"{whose} is a file: it has this machine's clock.")
    apart = max(0.0, before - theirs, theirs - after)
    if apart < WARNS_AT:
        return ok(NAME, f"It agrees with that of {whose} to {WARNS_AT:g} s.")
    make = warning if apart < FAILS_AT else failed
    return make(NAME, f"It differs from that of {whose} by {apart:.1f} s.", TODO)


def _redis() -> float:
    with asked(settings.REDIS_URL) as client:
        seconds, microseconds = client.time()
        return float(seconds) + float(microseconds) / 1_000_000


def _database() -> float | None:
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (seconds,) = cursor.fetchone()
        return float(seconds)
