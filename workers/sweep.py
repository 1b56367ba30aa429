"""The sweep: finds threads whose messages wait although nobody drains them, and starts drainers for them."""

from celery import shared_task

from assistant.events import SweepEnded, announce
from assistant.memory import backlog, outbox
from assistant.tasks import start_drainers


@shared_task(acks_late=True, ignore_result=True)
def sweep() -> None:
    """Start as many drainers as there is work and room for. One query, three Redis round trips."""
    waiting = len(outbox.waiting_threads(backlog.OVERDUE, backlog.CANDIDATES))
    drainers = min(waiting, backlog.announce_drainers()) if waiting else 0
    start_drainers(drainers)
    announce(SweepEnded(waiting, drainers))
