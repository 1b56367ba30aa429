"""What a Celery process does in its own life: metrics port, first tick of the guard, the schedule's sign of life."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from contextvars import ContextVar
from typing import Any

from celery import Task
from celery.signals import after_task_publish, task_postrun, task_prerun, worker_ready
from django.conf import settings
from django.db import connection

from assistant import correlation, loops, tracing
from assistant.garbage import leave_start_up_alone
from assistant.memory import heartbeats
from assistant.monitoring.exposition import serve_metrics
from assistant.publishing import CORRELATION
from assistant.redis_link import RedisDown
from workers import guard

log = logging.getLogger(__name__)
_under_way: ContextVar[tuple[ExitStack, tracing.Span] | None] = ContextVar("under_way", default=None)


def connect() -> None:
    """Connect what belongs to this process's role."""
    worker_ready.connect(open_metrics_port)
    worker_ready.connect(start_up_is_over)
    task_prerun.connect(go_on_under_the_requests_id)
    task_prerun.connect(go_on_with_the_requests_trace)
    task_postrun.connect(the_span_ends)
    if settings.PROCESS_ROLE == "control":
        worker_ready.connect(tick_at_once)
    if settings.PROCESS_ROLE == "beat":
        after_task_publish.connect(the_schedule_lives)


def open_metrics_port(**_: object) -> None:
    """Serve the metrics of `worker` and `control` on their own ports."""
    ports = {"worker": settings.WORKER_METRICS_PORT, "control": settings.CONTROL_METRICS_PORT}
    if settings.PROCESS_ROLE in ports:
        serve_metrics(ports[settings.PROCESS_ROLE])


def start_up_is_over(**_: object) -> None:
    """From now on collections are about what tasks make."""
    leave_start_up_alone()


def go_on_under_the_requests_id(task: Task[Any, Any], **_: object) -> None:
    """A task logs under the id of the request that led to it; one that none led to gets its own."""
    headers = task.request.headers or {}
    correlation.begin(str(headers.get(CORRELATION, "")))


def go_on_with_the_requests_trace(task: Task[Any, Any], **_: object) -> None:
    """What a task does belongs to the trace that its publisher was in."""
    headers = {name: str(value) for name, value in (task.request.headers or {}).items()}
    under_way = ExitStack()
    span = under_way.enter_context(tracing.span(f"run {task.name}", "consumer", headers))
    _under_way.set((under_way, span))


def the_span_ends(state: str = "", **_: object) -> None:
    """Both signals of a task come on its one thread."""
    if begun := _under_way.get():
        under_way, span = begun
        span.note("outcome", state.lower())
        under_way.close()
        _under_way.set(None)


def tick_at_once(**_: object) -> None:
    """Until the guard's state is made nobody reads: do not wait for beat, nor, after a loss, for the broker.

    A worker that lost its broker tries again after up to 30 s, and only then gets beat's next tick.
    """
    threading.Thread(target=_keep_state, name="guard-state", daemon=True).start()


def the_schedule_lives(**_: object) -> None:
    """Beat published something: note when."""
    with suppress(RedisDown):
        loops.run(heartbeats.beat("beat"))


def _keep_state() -> None:
    """One whole tick; from then on history and state alone, for as long as the process lives. Beat owns the probe."""
    step: Callable[[], None] = guard.tick
    while True:
        correlation.begin()
        try:
            step()
        except Exception:  # the thread's own boundary: whatever breaks, it tries again
            log.exception("guard_state_not_kept")
        finally:
            connection.close()
        step = guard.keep_state
        time.sleep(settings.MEMORY_PROBE_INTERVAL_SECONDS)
