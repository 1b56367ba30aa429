"""Celery tasks of the assistant: ids in, one call, nothing kept. Policy is visible here, logic is not."""

from uuid import UUID

from celery import shared_task

from assistant.memory import mirror


@shared_task(acks_late=True, ignore_result=True)
def mirror_message(client_msg_id: str) -> None:
    """Bring the message, and what waits before it in its thread, to Zep. Safe to run twice."""
    if mirror.drain_thread_of(UUID(client_msg_id)):
        mirror_message.delay(client_msg_id)
