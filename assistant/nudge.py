"""Telling the workers that a message waits. A hint, never a promise: the row is the truth and the sweep the retry."""

import asyncio
from uuid import UUID

from django.conf import settings
from kombu.exceptions import OperationalError

from assistant.events import NudgeFailed, announce
from assistant.tasks import mirror_message


async def nudge_mirror(client_msg_id: UUID) -> None:
    """Publish the mirror task; give up after `NUDGE_BUDGET_MS`. Never raises."""
    try:
        async with asyncio.timeout(settings.NUDGE_BUDGET_MS / 1000):
            await asyncio.to_thread(publish, client_msg_id)
    except TimeoutError:
        announce(NudgeFailed("timeout"))


def publish(client_msg_id: UUID) -> bool:
    """Publish the mirror task. False where the broker did not take it."""
    try:
        mirror_message.delay(str(client_msg_id))
    except (OperationalError, OSError) as error:
        announce(NudgeFailed(type(error).__name__))
        return False
    return True
