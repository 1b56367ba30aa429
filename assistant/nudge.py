"""Telling the workers, from a turn, that a message waits."""

import asyncio
from contextlib import suppress
from uuid import UUID

from django.conf import settings

from assistant.publishing import attempt, may_publish
from assistant.tasks import mirror_message


async def nudge_mirror(client_msg_id: UUID) -> None:
    """Publish the mirror task, waiting for it for `NUDGE_BUDGET_MS` at most. Never raises.

    A publication that takes longer goes on in its thread. Where the broker hangs, the transport's own timeout ends it
    a moment later, and the breaker opens: a broker that failed costs the next turn nothing.
    """
    if not may_publish():
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.NUDGE_BUDGET_MS / 1000):
            await asyncio.to_thread(attempt, mirror_message, str(client_msg_id))
