"""What tests of the mirror share: its rows, its time, and what reached Zep."""

import json
from datetime import datetime, timedelta
from uuid import UUID

import redis as redis_py
from django.utils import timezone

from assistant.memory import write_hold
from assistant.models import Message, Thread
from ops.zep_standin.process import StandIn
from tests.support import environment


def row(client_msg_id: UUID) -> Message:
    return Message.objects.get(client_msg_id=client_msg_id)


def due_now() -> None:
    """Let the time pass that threads, and the cluster, wait for."""
    client = redis_py.Redis.from_url(environment.ENVIRONMENT["REDIS_URL"])
    hold = client.get(write_hold.HOLD_KEY)
    if hold:
        client.set(write_hold.HOLD_KEY, json.dumps(json.loads(hold) | {"until": 0}))
    client.close()
    Thread.objects.filter(mirror_due_at__isnull=False).update(mirror_due_at=timezone.now() - timedelta(seconds=1))


def due_after(since: datetime, thread_id: str = "t1") -> float:
    """How many seconds after that the thread is due."""
    due_at = Thread.objects.get(pk=thread_id).mirror_due_at
    assert due_at is not None
    return (due_at - since).total_seconds()


def posts(standin: StandIn, after: int = 0) -> list[dict[str, object]]:
    return [entry for entry in standin.log(after) if entry["method"] == "POST" and "/memory" in entry["path"]]
