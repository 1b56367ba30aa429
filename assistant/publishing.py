"""Handing a task to the broker: bounded, and not at all for a while after the broker failed. Knows no task.

A publication is a hint, never a promise: the row is the truth and the sweep the retry. So nothing here raises.
"""

import time
from contextlib import suppress
from typing import Any, cast

from celery import Task, current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from assistant import correlation, tracing
from assistant.breaker import Breaker
from assistant.events import NudgeFailed, PublishingSuspended, announce

CORRELATION = "correlation"  # the message's header; `correlation_id` is AMQP's own
breaker = Breaker(failures_that_matter=1, pause_seconds=settings.BROKER_PAUSE_MS / 1000)


def warm_up(task: Task[Any, Any]) -> None:
    """Do what a process's first publication would: load the transport, connect, declare the task's queue.

    It takes tens of milliseconds, more than a turn has for it. Without a broker nothing happens.
    """
    with suppress(OperationalError, OSError), task.app.producer_pool.acquire(block=True) as producer:
        queue = task.app.amqp.router.route({}, task.name)["queue"]
        producer.maybe_declare(queue)


def may_publish() -> bool:
    """Whether the broker is worth a try now: False costs nothing."""
    return breaker.admits(time.monotonic())


def publish(
    task: Task[Any, Any], *arguments: str, countdown: float | None = None, expires: float | None = None
) -> bool:
    """Publish one task; False where the broker did not take it, or is being left alone.

    `countdown`: seconds before a worker may run it. `expires`: seconds after which none need to.
    """
    return may_publish() and attempt(task, *arguments, countdown=countdown, expires=expires)


def publish_named(name: str, *arguments: str, countdown: float | None = None) -> bool:
    """The same for a task of `workers`, which nothing here may import."""
    return publish(cast("Task[Any, Any]", current_app.signature(name)), *arguments, countdown=countdown)


def attempt(
    task: Task[Any, Any], *arguments: str, countdown: float | None = None, expires: float | None = None
) -> bool:
    """Publish one task although the breaker may be open. False where the broker did not take it."""
    options: dict[str, Any] = {} if expires is None else {"expires": expires}
    try:
        with tracing.span(f"publish {task.name}", "producer"):
            headers = {CORRELATION: correlation.current(), **tracing.carried()}
            task.apply_async(arguments, countdown=countdown or 0, headers=headers, **options)
    except (OperationalError, OSError) as error:
        announce(NudgeFailed(type(error).__name__))
        if breaker.failed(time.monotonic()):
            announce(PublishingSuspended())
        return False
    breaker.succeeded()
    return True
