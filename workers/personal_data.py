"""Erasures and exports on the `archive` queue: each is one task; a tick a minute finds what nobody has in hand."""

from celery import shared_task

from assistant.personal_data import exports, names_left, progress
from assistant.publishing import publish

SOON_SECONDS = 60.0  # later than that the tick is as good


@shared_task(acks_late=True, ignore_result=True)
def carry_out(erasure: str) -> None:
    """Go on with one erasure. Safe to run twice, or for one that is complete."""
    wait = progress.carry_out(int(erasure))
    if wait is not None and wait <= SOON_SECONDS:
        publish(carry_out, erasure, countdown=wait + 0.5)


@shared_task(acks_late=True, ignore_result=True)
def make_export(export: str) -> None:
    """Make one export's file. Safe to run twice."""
    exports.make(export)


@shared_task(ignore_result=True)
def tend() -> None:
    """Go on with erasures that are due, make exports that wait, remove those that expired, and names that stayed."""
    for erasure in progress.due():
        publish(carry_out, str(erasure))
    for export in exports.due():
        publish(make_export, export)
    exports.remove_expired()
    names_left.remove()
