"""Requests and turns, as metrics and log lines."""

import structlog
from django.conf import settings

from assistant import events
from assistant.events import Event
from assistant.monitoring import metrics

OVERHEAD_MS = 25  # that a turn may spend on memory beside the budget of its read
log = structlog.get_logger("easy_islanders")
EVENTS = (events.RequestStarted, events.RequestEnded, events.TurnTaken, events.TurnRemembered, events.RateLimitHit)


def observe(event: Event) -> None:
    match event:
        case events.RequestStarted():
            metrics.requests_in_progress.inc()
        case events.RequestEnded(status, seconds):
            metrics.requests_in_progress.dec()
            metrics.count_request(status)
            metrics.request_seconds.observe(seconds)
        case events.TurnRemembered(context, seconds):
            metrics.turns.labels(context).inc()
            if seconds * 1000 > settings.ZEP_READ_BUDGET_MS + OVERHEAD_MS:
                metrics.turns_over_budget.inc()
        case events.RateLimitHit():
            metrics.rate_limit_hits.inc()
        case events.TurnTaken():
            metrics.history_size.observe(event.history_size)
            log.info(
                "turn",
                thread_id=event.thread_id,
                client_msg_id=event.client_msg_id,
                agent=event.agent,
                replayed=event.replayed,
                history=event.history_size,
                ms=round(event.seconds * 1000, 1),
                memory={key: value for key, value in event.memory.items() if key != "client_ids"},
            )
