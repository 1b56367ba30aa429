"""Telling the workers, from a turn, that a message waits."""

import asyncio
from uuid import UUID

from django.conf import settings

from assistant.publishing import attempt, may_publish, note_failure
from assistant.tasks import mirror_message


async def nudge_mirror(client_msg_id: UUID) -> None:
    """Publish the mirror task within `NUDGE_BUDGET_MS`. Never raises; a broker that just failed costs nothing."""
    if not may_publish():
        return
    try:
        async with asyncio.timeout(settings.NUDGE_BUDGET_MS / 1000):
            await asyncio.to_thread(attempt, mirror_message, str(client_msg_id))
    except TimeoutError:
        note_failure("timeout")
