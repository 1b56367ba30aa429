"""Requests and turns, as metrics and log lines."""

import structlog
from django.conf import settings

from assistant import events
from assistant.events import Event
from assistant.monitoring import metrics

OVERHEAD_MS = 25  # that a turn may spend on memory beside the budget of its read
CANCELLED, SERVER_ERROR = 499, 500
OUTCOMES = {CANCELLED: "cancelled", SERVER_ERROR: "crashed", 503: "unavailable"}  # of requests that led to no turn
log = structlog.get_logger("easy_islanders")
EVENTS = (
    events.RequestStarted,
    events.RequestEnded,
    events.TurnTaken,
    events.TurnFailed,
    events.TurnRemembered,
    events.RateLimitHit,
)


def observe(event: Event) -> None:
    match event:
        case events.RequestStarted():
            metrics.requests_in_progress.inc()
        case events.RequestEnded():
            _request_ended(event)
        case events.TurnRemembered(context, seconds):
            metrics.turns.labels(context).inc()
            if seconds * 1000 > settings.ZEP_READ_BUDGET_MS + OVERHEAD_MS:
                metrics.turns_over_budget.inc()
        case events.RateLimitHit():
            metrics.rate_limit_hits.inc()
        case events.TurnTaken():
            metrics.history_size.observe(event.history_size)
            _log_taken(event)
        case events.TurnFailed():
            _log_failed(event)


def _request_ended(event: events.RequestEnded) -> None:
    """A request that led to no turn has its `turn` line all the same: every chat request has one."""
    metrics.requests_in_progress.dec()
    metrics.count_request(event.status)
    metrics.request_seconds.observe(event.seconds)
    if not event.led_to_a_turn:
        tell = log.error if event.status >= SERVER_ERROR else log.info
        tell("turn", outcome=OUTCOMES.get(event.status, "refused"), status=event.status, ms=_ms(event.seconds))


def _log_taken(event: events.TurnTaken) -> None:
    answered = "replayed" if event.replayed else "answered"
    log.info(
        "turn",
        outcome=answered if event.is_awaited else "cancelled",
        thread_id=event.thread_id,
        client_msg_id=event.client_msg_id,
        agent=event.agent,
        replayed=event.replayed,
        history=event.history_size,
        mode=event.memory.get("mode", ""),
        cache=_cache(event.memory),
        ms=_ms(event.seconds),
        steps_ms=_each_ms(event.steps),
        memory={key: value for key, value in event.memory.items() if key != "client_ids"},
    )


def _log_failed(event: events.TurnFailed) -> None:
    tell = log.error if event.outcome in ("crashed", "database_unavailable") else log.info
    tell(
        "turn",
        outcome=event.outcome,
        kind=event.kind,
        thread_id=event.thread_id,
        client_msg_id=event.client_msg_id,
        ms=_ms(event.seconds),
        steps_ms=_each_ms(event.steps),
    )


def _cache(memory: dict[str, object]) -> str:
    """What the context cache gave: `hit`, `miss`, the `stale` copy after a failed read; `unused` where nobody asked."""
    if memory.get("fallback") == "stale_cache":
        return "stale"
    return {True: "hit", False: "miss", None: "unused"}[memory.get("cached")]  # type: ignore[index]  # a JSON value


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _each_ms(steps: dict[str, float]) -> dict[str, float]:
    return {step: _ms(seconds) for step, seconds in steps.items()}
