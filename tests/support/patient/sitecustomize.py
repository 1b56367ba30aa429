"""Python runs this first in every process of a patient system (tests/acceptance/system.py): the web gets time.

A turn has 20 ms for an exchange with Redis and 50 ms to publish, and no setting says so. More than that passes on a
busy machine between two instructions, and the turn goes on without memory, or without a nudge.
"""

import os

SECONDS = 10

if os.environ.get("PROCESS_ROLE") == "web":
    from assistant import redis_link
    from easy_islanders import settings

    redis_link.EXCHANGE_SECONDS = SECONDS
    settings.REDIS_BUDGET_MS = settings.NUDGE_BUDGET_MS = SECONDS * 1000
    settings.CELERY_BROKER_TRANSPORT_OPTIONS |= {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
