"""The product's patience in the process of the tests: a busy machine is no failing Zep, Redis, broker or database.

How each bound is kept is tested where a test sets one of its own; `impatient` sets those of production for a test in
which something hangs. Bounds of processes that tests start are production's, or what the test tells them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from assistant import redis_link
from assistant.api import health
from assistant.archive import threads
from assistant.doctor import memory, redis_roles
from assistant.memory import backlog, guard, outbox, probe, write_hold
from assistant.monitoring import queues
from assistant.personal_data import facts, sealing
from workers import alerts

SECONDS = 20.0
MILLISECONDS = 20_000
BUDGETS = (
    "ZEP_READ_BUDGET_MS",
    "ZEP_WRITE_TIMEOUT_MS",
    "REDIS_BUDGET_MS",
    "NUDGE_BUDGET_MS",
    "MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS",
)
PRODUCTION = {name: getattr(settings, name) for name in BUDGETS}
BOUNDS = (
    (redis_link, "EXCHANGE_SECONDS"),
    (health, "PROBE_SECONDS"),
    (health, "DATABASE_SECONDS"),
    (probe, "CONNECT_SECONDS"),
    (probe, "LONGEST_SECONDS"),
    (memory, "ZEP_SECONDS"),
    (redis_roles, "ANSWER_SECONDS"),
    (queues, "BUDGET_SECONDS"),
    (facts, "BUDGET_SECONDS"),
    (sealing, "REDIS_SECONDS"),
    (alerts, "TIMEOUT_SECONDS"),
)
OURS = {name: getattr(module, name) for module, name in BOUNDS}
LONG = 600  # seconds: a process that stands still loses nothing of what it has for so long


@contextmanager
def patient() -> Iterator[None]:
    """Nothing that answers is too late, and nobody loses a lease, a lock or a share to a machine that stands still."""
    with pytest.MonkeyPatch.context() as patch:
        for name in BUDGETS:
            patch.setattr(settings, name, MILLISECONDS)
        for module, name in BOUNDS:
            patch.setattr(module, name, SECONDS)
        for options, name in waits_for_the_database():
            patch.setitem(options, name, LONG // 10)
        for option in ("socket_timeout", "socket_connect_timeout"):
            patch.setitem(settings.CELERY_BROKER_TRANSPORT_OPTIONS, option, SECONDS)
        patch.setattr(outbox, "LEASE", timedelta(seconds=LONG))
        patch.setattr(guard, "PROBE_LOCK_SECONDS", LONG)
        patch.setattr(guard, "UNHEARD_SECONDS", float(LONG))
        patch.setattr(backlog, "DRAINER_SECONDS", float(LONG))
        patch.setattr(threads, "LEASE", timedelta(seconds=5 * LONG))
        patch.setattr(sealing, "REWRITE_SECONDS", float(LONG))
        _let_time_stand_still(patch)
        yield


def waits_for_the_database() -> list[tuple[dict[str, Any], str]]:
    """For SQLite's one write lock; for a connection of the pool, and to the server."""
    options = connections.settings["default"]["OPTIONS"]
    return (
        [(options, "timeout")] if "timeout" in options else [(options["pool"], "timeout"), (options, "connect_timeout")]
    )


def _let_time_stand_still(patch: pytest.MonkeyPatch) -> None:
    """For the write hold, whose first wait is two seconds: it is due when a test says so. What is later comes later."""
    then = f"{{'{int(time.time())}', redis.call('INCR', 'test:ticks')}}"
    for module in (write_hold, backlog):
        for name, text in list(vars(module).items()):
            if isinstance(text, str) and "redis.call('TIME')" in text:
                patch.setattr(module, name, text.replace("redis.call('TIME')", then))


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Give up as soon as production does."""
    for name, budget in PRODUCTION.items():
        patch.setattr(settings, name, budget)
    for module, name in BOUNDS:
        patch.setattr(module, name, OURS[name])
