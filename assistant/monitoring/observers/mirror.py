"""The way of messages to Zep, as metrics and log lines."""

import structlog

from assistant import events
from assistant.events import Event
from assistant.memory.errors import metric_reason
from assistant.monitoring import metrics

log = structlog.get_logger("easy_islanders")
EVENTS = (
    events.ZepWriteRequested,
    events.ZepWriteAttempted,
    events.MessagesMirrored,
    events.MirrorPaused,
    events.MessageBuried,
    events.RedisUnavailable,
    events.NudgeFailed,
    events.SweepEnded,
    events.WriteHoldBegan,
    events.WriteHoldEnded,
    events.PublishingSuspended,
)


def observe(event: Event) -> None:
    match event:
        case events.ZepWriteRequested(op):
            metrics.zep_write_requests.labels(op).inc()
        case events.ZepWriteAttempted(op, seconds, reason):
            metrics.zep_write_attempts.labels(op).inc()
            metrics.zep_write_seconds.labels(op).observe(seconds)
            if reason:
                metrics.zep_write_failures.labels(op, metric_reason(reason)).inc()
        case events.MessagesMirrored():
            _mirrored(event)
        case events.MirrorPaused(thread_id, reason):
            log.warning("zep_mirror", thread_id=thread_id, result="paused", reason=reason)
        case events.MessageBuried(thread_id, client_msg_id, kind):
            log.error("zep_mirror", thread_id=thread_id, client_msg_id=client_msg_id, result="dead", reason=kind)
        case _:
            _observe_backlog(event)


def _observe_backlog(event: Event) -> None:
    match event:
        case events.RedisUnavailable(purpose):
            log.warning("redis_unavailable", purpose=purpose)
        case events.NudgeFailed(kind):
            log.warning("mirror_nudge_failed", kind=kind)
        case events.SweepEnded(waiting, drainers) if waiting:
            log.info("sweep", waiting=waiting, drainers=drainers)
        case events.WriteHoldBegan(reason):
            metrics.circuit_opens.labels("zep").inc()
            log.warning("zep_write_hold_began", reason=reason)
        case events.WriteHoldEnded():
            log.info("zep_write_hold_ended")
        case events.PublishingSuspended():
            metrics.circuit_opens.labels("broker").inc()
            log.warning("publishing_suspended")


def _mirrored(event: events.MessagesMirrored) -> None:
    for lag in event.lags:
        metrics.mirror_lag_seconds.observe(lag)
    for field_type, count in event.redactions.items():
        metrics.inc_memory_redaction(field_type, count)
    log.info(
        "zep_mirror",
        thread_id=event.thread_id,
        result="mirrored",
        messages=len(event.lags),
        write_ms=round(event.seconds * 1000, 1),
        redactions=event.redactions,
    )
