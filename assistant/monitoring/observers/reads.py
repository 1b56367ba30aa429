"""Reads of context, as metrics and log lines."""

import structlog
from django.conf import settings

from assistant import events
from assistant.events import Event
from assistant.memory.errors import metric_reason
from assistant.monitoring import metrics

SLOW_SHARE_OF_BUDGET = 0.8
log = structlog.get_logger("easy_islanders")
EVENTS = (events.ContextServedFromCache, events.ContextRead, events.ContextRefreshed, events.ReadBlocked)


def observe(event: Event) -> None:
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
