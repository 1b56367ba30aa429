"""Celery tasks of the assistant: ids in, one call, nothing kept. Policy is visible here, logic is not."""

from uuid import UUID

from celery import shared_task

from assistant.memory import backlog, mirror, outbox
from assistant.publishing import publish

EARLIEST_SECONDS = 0.2


@shared_task(acks_late=True, ignore_result=True)
def mirror_message(client_msg_id: str) -> None:
    """Bring the message, and what waits before it in its thread, to Zep. Safe to run twice."""
    for thread_id in outbox.threads_of(UUID(client_msg_id)):
        drained = mirror.drain(thread_id)
        if drained.again_in is not None:
            publish(mirror_message, client_msg_id, countdown=_safely_after(drained.again_in))
        if drained.canary_in is not None:
            publish(drain_backlog, countdown=_safely_after(drained.canary_in))
        if drained.recovered:
            publish(drain_backlog)


@shared_task(acks_late=True, ignore_result=True)
def drain_backlog() -> None:
    """Work off the longest waiting threads for a few seconds. One too many ends at once."""
    ended = backlog.run_drainer(start_more=start_drainers)
    if ended.more:
        publish(drain_backlog)
    waits = [seconds for seconds in (ended.canary_in, ended.again_in) if seconds is not None]
    if waits:
        publish(drain_backlog, countdown=_safely_after(min(waits)))


def _safely_after(seconds: float) -> float:
    """A countdown that is over by the database's and Redis's clocks too: a task too early ends without effect."""
    return seconds + EARLIEST_SECONDS if seconds else 0.0


def start_drainers(count: int) -> None:
    """Publish that many drainers."""
    for _ in range(count):
        publish(drain_backlog)
