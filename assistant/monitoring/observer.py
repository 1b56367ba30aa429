"""From events to metrics and log lines: the one place where either is named. Changes nothing, decides nothing."""

import structlog
from django.conf import settings

from assistant import events
from assistant.events import Event
from assistant.memory.errors import metric_reason
from assistant.memory.modes import Guard, MemoryMode, effective
from assistant.monitoring import metrics

OVERHEAD_MS = 25  # that a turn may spend on memory beside the budget of its read
SLOW_SHARE_OF_BUDGET = 0.8
log = structlog.get_logger("easy_islanders")


def observe(event: Event) -> None:
    """Count and log one event."""
    match event:
        case events.RequestStarted() | events.RequestEnded() | events.TurnTaken() | events.TurnRemembered():
            _observe_turn(event)
        case events.RateLimitHit():
            _observe_turn(event)
        case events.ContextServedFromCache() | events.ContextRead() | events.ContextRefreshed() | events.ReadBlocked():
            _observe_read(event)
        case events.GuardForced() | events.GuardCleared() | events.GuardInitialised() | events.ReadsPaused():
            _observe_guard(event)
        case events.ProbeBegan() | events.ProbeSkipped() | events.ProbeEnded():
            _observe_recovery(event)
        case events.AlertFailed() | events.RecoveryStepFailed():
            _observe_recovery(event)
        case _:
            _observe_mirror(event)


def _observe_turn(event: Event) -> None:
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


def _observe_read(event: Event) -> None:
    match event:
        case events.ContextServedFromCache():
            metrics.context_cache_hits.inc()
        case events.ContextRead(seconds, reason):
            metrics.zep_reads.inc()
            metrics.zep_read_seconds.observe(seconds)
            _log_read(round(seconds * 1000, 1), reason)
        case events.ContextRefreshed(reason):
            metrics.context_refreshes.labels("failed" if reason else "refreshed").inc()
        case events.ReadBlocked(thread_id, reason, is_forced):
            blocked = "zep_read_blocked_forced_mode" if is_forced else "zep_read_blocked"
            log.info(blocked, thread_id=thread_id, reason=reason)


def _log_read(ms: float, reason: str) -> None:
    if reason:
        metrics.inc_memory_context_failure(metric_reason(reason))
        log.warning("zep_context_timeout" if reason == "timeout" else "zep_context_failed", reason=reason, ms=ms)
    elif ms > SLOW_SHARE_OF_BUDGET * settings.ZEP_READ_BUDGET_MS:
        log.warning("zep_context_slow", ms=ms)


def _observe_guard(event: Event) -> None:
    match event:
        case events.GuardForced(is_shadow=True):
            log.warning("memory_mode_would_be_forced", reason=event.reason, hold_seconds=event.hold_seconds)
        case events.GuardForced():
            _forced(event)
        case events.GuardCleared(by, reason):
            log.info("memory_mode_restored", mode=MemoryMode.READ_WRITE.value, reason=reason, by=by)
        case events.GuardInitialised(is_forced):
            log.warning("memory_guard_state_initialised", forced=is_forced)
        case events.ReadsPaused(seconds, until):
            log.warning("zep_reads_paused", seconds=round(seconds, 1), until=until)


def _forced(event: events.GuardForced) -> None:
    match event.reason:
        case "auth":
            log.error("zep_auth_failure_auto_downgrade")
        case "consecutive_failures":
            metrics.inc_memory_context_failure(event.reason)
            log.error("zep_consecutive_failures_auto_downgrade", fail_count=event.failures)
    log.warning(
        "memory_mode_forced",
        prev_mode=effective(MemoryMode.READ_WRITE, Guard(event.before)).value,
        next_mode=MemoryMode.WRITE_ONLY.value,
        reason=event.reason,
        hold_seconds=event.hold_seconds,
        until=event.until,
        by=event.by,
    )


def _observe_recovery(event: Event) -> None:
    match event:
        case events.ProbeBegan():
            log.info("probe_lock_acquired")
        case events.ProbeEnded(outcome):
            log.info("probe_ended", outcome=outcome)
        case events.RecoveryStepFailed(step, kind):
            log.error("memory_recovery_step_failed", step=step, kind=kind)
        case events.AlertFailed(kind):
            log.warning("memory_alert_failed", kind=kind)


def _observe_mirror(event: Event) -> None:
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
