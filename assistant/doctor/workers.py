"""Broker, queues and who serves them; the schedule, the control worker and the probe by their signs of life."""

from collections.abc import Iterator
from typing import Any

from celery import current_app
from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from assistant.doctor.findings import RUNBOOK, Finding, failed, ok, warning
from assistant.doctor.redis_roles import asked
from assistant.memory.guard_scripts import LAST_PROBE_KEY
from assistant.memory.heartbeats import NAMES, key_of

CONNECT_SECONDS, PING_SECONDS = 2, 2.0
DEEP = 100  # the alert QueueBacklog's number
LATE_AFTER_TICKS = 4
SERVED_BY = {"mirror": "worker", "archive": "worker", "default": "worker", "control": "control"}


def look_at_queues() -> list[Finding]:
    """Each queue's depth and consumers. A worker that does not answer a ping in two seconds serves nothing."""
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
            depths = {queue: _depth(connection, queue) for queue in SERVED_BY}
        answers = current_app.control.inspect(timeout=PING_SECONDS).active_queues() or {}
    except (OperationalError, OSError) as error:
        todo = "Start it, and compare CELERY_BROKER_URL with where it listens. Nothing is lost: the rows are the truth."
        return [failed("broker", f"It does not answer: {type(error).__name__}. Messages wait in the database.", todo)]
    served = [queue["name"] for queues in answers.values() for queue in queues]
    found = [_queue(name, depth, served.count(name)) for name, depth in depths.items()]
    return [ok("broker", f"It answers; {len(answers)} workers do."), *found]


def look_at_heartbeats() -> list[Finding]:
    """By Redis's clock, which wrote them."""
    try:
        with asked(settings.REDIS_URL) as client:
            seconds, microseconds = client.time()
            heard = client.mget([*(key_of(name) for name in NAMES), LAST_PROBE_KEY])
    except RedisError as error:
        return [failed("heartbeats", f"Redis does not answer: {type(error).__name__}.", "See `redis state`.")]
    now = seconds + microseconds / 1_000_000
    ages = {name: now - float(at) if at else None for name, at in zip((*NAMES, "probe"), heard, strict=True)}
    return list(_heartbeats(ages))


def _depth(connection: Connection, queue: str) -> int:
    """On a channel of its own: asking for a queue that is not there closes it. An empty one in Redis is not there."""
    channel: Any = connection.channel()  # its stubs know only what all transports' channels have
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except connection.channel_errors:
        return 0
    finally:
        channel.close()


def _queue(name: str, depth: int, consumers: int) -> Finding:
    check = f"queue {name}"
    if not consumers:
        todo = (
            f"Start the `{SERVED_BY[name]}` process of the Procfile; systemctl status, or its log, says why it ended."
        )
        return failed(check, f"Nobody takes tasks from it; {depth} wait.", todo)
    if depth > DEEP:
        todo = "Is a worker stuck (Flower)? Else start another. manage.py zep_mirror shows what waits in the database."
        return warning(check, f"{depth} tasks wait, taken by {consumers}.", todo)
    return ok(check, f"{depth} tasks wait, taken by {consumers}.")


def _heartbeats(ages: dict[str, float | None]) -> Iterator[Finding]:
    late_after = LATE_AFTER_TICKS * settings.MEMORY_PROBE_INTERVAL_SECONDS
    todos = {
        "beat": "Start the `beat` process: without it nothing is swept and nothing probed",
        "control": "Start the `control` process: without it no hold ends",
        "probe": "Is beat alive, and control? manage.py zep_mode --probe",
    }
    for name, age in ages.items():
        if age is None or age > late_after:
            said = "not for a day, or never" if age is None else f"{age:.0f} s ago"
            yield failed(f"{name} heartbeat", f"Last heard {said}.", f"{todos[name]}; {RUNBOOK}memoryprobeabsent")
        else:
            yield ok(f"{name} heartbeat", f"Last heard {max(0.0, age):.0f} s ago.")
