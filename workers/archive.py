"""Archiving on the `archive` queue: what is due each minute, and hourly what has been kept long enough."""

import threading
import time

from celery import shared_task
from django.utils import timezone

from assistant.archive import retention, running
from assistant.memory import outbox
from assistant.publishing import publish
from assistant.tasks import mirror_message

RUN_SECONDS = 50.0  # less than the schedule's minute: the next tick goes on
RETENTION = "retention"
_running = threading.Lock()


@shared_task(acks_late=True, ignore_result=True)
def archive_due() -> None:
    """Archive what is due. One run in a process: ticks that piled up may not take the mirror's slots."""
    if not _running.acquire(blocking=False):
        return
    try:
        running.run(RUN_SECONDS, tell_mirror=tell_mirror)
    finally:
        _running.release()


@shared_task(acks_late=True, ignore_result=True)
def expire_archives() -> None:
    """Delete the archives whose time is over, for at most a minute; the next hour goes on."""
    deadline = time.monotonic() + RUN_SECONDS
    for _ in retention.expire(timezone.now(), RETENTION):
        if time.monotonic() > deadline:
            break


def tell_mirror(thread_id: str) -> None:
    """A nudge that came while the thread was leased ended without effect: give it again."""
    for row in outbox.waiting_messages(thread_id, 1):
        publish(mirror_message, str(row.client_msg_id))
