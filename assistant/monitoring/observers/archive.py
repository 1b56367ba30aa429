"""Archiving, restoring and expiry, and processes that outgrew their limit, as metrics and log lines."""

import structlog

from assistant import events
from assistant.events import Event
from assistant.monitoring import metrics

log = structlog.get_logger("easy_islanders")
EVENTS = (
    events.MessagesArchived,
    events.SessionArchived,
    events.ArchiveFailed,
    events.ArchiveRestored,
    events.ArchiveResealed,
    events.ArchiveExpired,
    events.ProcessOutgrown,
)


def observe(event: Event) -> None:
    match event:
        case events.MessagesArchived(_, messages, size, seconds):
            metrics.archived_messages.inc(messages)
            metrics.archive_bytes.inc(size)
            metrics.archive_seconds.observe(seconds)
        case events.SessionArchived(thread_id, rule, messages, seconds):
            metrics.archived_sessions.labels(rule).inc()
            took = round(seconds * 1000)
            log.info("thread_archived", thread_id=thread_id, rule=rule, messages=messages, took_ms=took)
        case events.ArchiveFailed(thread_id, reason):
            metrics.archive_failures.labels(reason).inc()
            log.warning("archive_failed", thread_id=thread_id, reason=reason)
        case events.ArchiveRestored(thread_id, messages, seconds):
            metrics.archives_restored.inc()
            log.info("archive_restored", thread_id=thread_id, messages=messages, took_ms=round(seconds * 1000))
        case events.ArchiveResealed(thread_id, messages):
            log.info("archive_resealed", thread_id=thread_id, messages=messages)
        case events.ArchiveExpired(thread_id, messages):
            metrics.archives_expired.inc()
            log.info("archive_expired", thread_id=thread_id, messages=messages)
        case events.ProcessOutgrown(role, resident, limit):
            log.error("process_outgrown", role=role, resident_bytes=resident, limit_bytes=limit)
