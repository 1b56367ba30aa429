"""The sweep: finds threads whose messages wait although nobody drains them, and nudges them again."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from assistant.events import SweepEnded, announce
from assistant.memory import outbox
from assistant.nudge import publish

GRACE = timedelta(seconds=5)  # a turn's own nudge is usually on its way by then
THREADS_PER_SWEEP = 500


@shared_task(acks_late=True, ignore_result=True)
def sweep() -> None:
    """Nudge the threads that have waited longest. One query, one publication a thread."""
    waiting = outbox.waiting_threads(timezone.now() - GRACE, THREADS_PER_SWEEP)
    announce(SweepEnded(sum(publish(client_msg_id) for client_msg_id in waiting)))
