"""Telling a webhook of each change of the guard, from a task: Slack's shape, no word of any user.

The address may hold a secret: it is in no log and no error.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import httpx
from celery import shared_task
from django.conf import settings

from assistant import loops
from assistant.events import AlertFailed, announce
from assistant.memory import transitions
from assistant.models import ModeTransition
from assistant.publishing import publish

TIMEOUT_SECONDS = 5.0
AT_ONCE = 20
EXPIRES_SECONDS = 60.0  # while no worker takes them they would pile up; what is not told stays due


def tell_webhook_of_transitions() -> None:
    """Publish a task for each transition that the webhook has still to be told of. One query."""
    if settings.MEMORY_ALERT_WEBHOOK_URL:
        for pk in transitions.to_tell(AT_ONCE):
            publish(tell_webhook, str(pk), expires=EXPIRES_SECONDS)


@shared_task(acks_late=True, ignore_result=True)
def tell_webhook(transition: str) -> None:
    """Tell it once; it may hear of it again where this process dies between telling and noting it."""
    row = transitions.claim_alert(int(transition))
    if row is None or not settings.MEMORY_ALERT_WEBHOOK_URL:
        return
    if failure := _post(said_of(row)):
        announce(AlertFailed(failure))
    else:
        transitions.alert_told(row.pk)


def said_of(row: ModeTransition) -> dict[str, Any]:
    """The JSON that is sent: `text` for Slack, the rest for programs."""
    until = row.until.isoformat(timespec="seconds") if row.until else None
    change = f"Memory reads are {'off' if row.after == ModeTransition.Guard.FORCED else 'on again'}"
    return {
        "text": f"{change}: {row.reason} (by {row.by})" + (f", next probe after {until}" if until else ""),
        "event": "memory_mode_forced" if row.after == ModeTransition.Guard.FORCED else "memory_mode_restored",
        "before": row.before,
        "after": row.after,
        "reason": row.reason,
        "by": row.by,
        "at": row.at.isoformat(),
        "until": until,
        "hold_seconds": row.hold_seconds,
        "probe_failures": row.probe_failures,
        "epoch": row.epoch,
    }


def _post(body: dict[str, Any]) -> str:
    """Send it; why it was not taken, empty where it was."""
    try:
        status = loops.run(_status_of(body))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        return type(error).__name__
    return "" if status < HTTPStatus.MULTIPLE_CHOICES else f"http_{status}"


async def _status_of(body: dict[str, Any]) -> int:
    """Within one total time; what it answers beside the status is not read."""
    client = httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_SECONDS)
    url = settings.MEMORY_ALERT_WEBHOOK_URL
    async with asyncio.timeout(TIMEOUT_SECONDS), client, client.stream("POST", url, json=body) as answer:
        return answer.status_code
