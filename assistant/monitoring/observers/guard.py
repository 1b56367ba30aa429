"""The guard's changes and its recovery, as metrics and log lines."""

import structlog

from assistant import events
from assistant.events import Event
from assistant.memory.modes import Guard, MemoryMode, effective
from assistant.monitoring import metrics

log = structlog.get_logger("easy_islanders")
EVENTS = (
    events.GuardForced,
    events.GuardCleared,
    events.GuardInitialised,
    events.ReadsPaused,
    events.ProbeBegan,
    events.ProbeSkipped,
    events.ProbeEnded,
    events.AlertFailed,
    events.RecoveryStepFailed,
)


def observe(event: Event) -> None:
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
        case _:
            _observe_recovery(event)


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
