"""The metrics, by the names that dashboards and alerts rely on. Knows no event and no business rule.

Counters and histograms are per process: aggregate them with `sum`. Values whose truth is the cluster's are collected at
scrape time in `collectors.py`: aggregate those with `max`.
"""

from itertools import product

from prometheus_client import Counter, Gauge, Histogram

from assistant import loops
from assistant.archive.due import Rule
from assistant.archive.errors import REASONS as ARCHIVE_REASONS
from assistant.events import RECALLED_CONTEXTS, ZEP_OPERATIONS
from assistant.memory import guard
from assistant.memory.errors import METRIC_REASONS
from assistant.memory.modes import DOWNGRADES

FIELD_TYPES = ("email", "phone", "address")
CONTEXT_FAILURE_REASONS = (*METRIC_REASONS, "consecutive_failures")
STATUSES = ("200", "400", "401", "404", "405", "409", "413", "422", "429", "499", "500", "503", "other")
REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 2.5, 5, 10, 30, 60)
READ_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.275, 0.325, 0.5, 1.0)
WRITE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 1.5, 2.5)
ARCHIVE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAG_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 36000)

zep_reads = Counter("memory_zep_read_requests_total", "Reads that asked Zep")
zep_read_seconds = Histogram("memory_zep_read_latency_seconds", "Time a read of Zep took", buckets=READ_BUCKETS)
context_cache_hits = Counter("memory_zep_context_cache_hits_total", "Contexts served from the cache")
context_failures = Counter("memory_zep_context_failures_total", "Reads without a context, by reason", ["reason"])
turns = Counter("memory_turns_total", "Turns by what their memory came to", ["context"])
turns_over_budget = Counter("memory_turns_over_budget_total", "Turns that spent more than budget + 25 ms on memory")
context_refreshes = Counter("memory_context_refreshes_total", "Contexts read ahead by workers", ["outcome"])
redactions = Counter("memory_zep_redactions_total", "Spans redacted in mirrored messages", ["field_type"])
zep_write_requests = Counter("memory_zep_write_requests_total", "Logical operations of the mirror", ["op"])
zep_write_attempts = Counter("memory_zep_write_attempts_total", "HTTP requests of the mirror", ["op"])
zep_write_failures = Counter("memory_zep_write_failures_total", "Failed attempts of the mirror", ["op", "reason"])
zep_write_seconds = Histogram(
    "memory_zep_write_latency_seconds", "Time a write attempt took", ["op"], buckets=WRITE_BUCKETS
)
mirror_lag_seconds = Histogram(
    "memory_mirror_lag_seconds", "From a message's commit to Zep's acknowledgement", buckets=LAG_BUCKETS
)
requests = Counter("assistant_requests_total", "Chat requests answered, by HTTP status", ["status"])
request_seconds = Histogram("assistant_request_duration_seconds", "Time a chat request took", buckets=REQUEST_BUCKETS)
requests_in_progress = Gauge(
    "assistant_requests_in_progress", "Chat requests being answered", multiprocess_mode="livesum"
)
rate_limit_hits = Counter("assistant_rate_limit_hits_total", "Requests refused by the rate limit")
circuit_opens = Counter("circuit_open_total", "A write hold began, or publishing was suspended", ["component"])
history_size = Histogram(
    "assistant_conversation_history_size", "Messages of the thread given to the agent", buckets=(0, 2, 5, 10, 15, 20)
)
archived_messages = Counter("assistant_session_archived_messages_total", "Messages archived")
archived_sessions = Counter("assistant_archived_sessions_total", "Threads whose older messages were archived", ["rule"])
archive_bytes = Counter("assistant_archive_bytes_total", "Bytes of archives stored")
archive_seconds = Histogram("assistant_archive_seconds", "Time to archive one file's messages", buckets=ARCHIVE_BUCKETS)
archive_failures = Counter("assistant_archive_failures_total", "Threads not archived or restored", ["reason"])
archives_restored = Counter("assistant_archives_restored_total", "Archives whose messages are back")
archives_expired = Counter("assistant_archives_expired_total", "Archives deleted when their time was over")


def inc_memory_redaction(field_type: str, amount: int = 1) -> None:
    """Count redacted spans of one type."""
    redactions.labels(field_type).inc(amount)


def inc_memory_context_failure(reason: str) -> None:
    """Count a read that gave no context; unknown reasons count as `other`."""
    context_failures.labels(reason if reason in CONTEXT_FAILURE_REASONS else "other").inc()


def inc_memory_downgrade(reason: str) -> None:
    """Count a downgrade where the cluster counts them, in Redis. Raise ValueError for a reason that is none."""
    if reason not in set(DOWNGRADES):
        raise ValueError(f"reason: one of {', '.join(DOWNGRADES)}")
    loops.run(guard.count_downgrade(reason))


def set_memory_mode_gauge(_mode: str = "") -> None:
    """Nothing to set: `memory_mode_gauge` is read from the guard's state at each scrape, whatever a process thinks."""


def count_request(status: int) -> None:
    """Count an answered chat request; statuses outside the fixed set count as `other`."""
    label = str(status)
    requests.labels(label if label in STATUSES else "other").inc()


def warm_metrics() -> None:
    """Make every series exist at 0: `increase()` never sees a counter that is born at 1."""
    for metric, *values in (
        (context_failures, CONTEXT_FAILURE_REASONS),
        (turns, RECALLED_CONTEXTS),
        (context_refreshes, ("refreshed", "failed")),
        (redactions, FIELD_TYPES),
        (circuit_opens, ("zep", "broker")),
        (requests, STATUSES),
        (zep_write_requests, ZEP_OPERATIONS),
        (zep_write_attempts, ZEP_OPERATIONS),
        (zep_write_seconds, ZEP_OPERATIONS),
        (zep_write_failures, ZEP_OPERATIONS, METRIC_REASONS),
        (archived_sessions, tuple(Rule)),
        (archive_failures, ARCHIVE_REASONS),
    ):
        for labels in product(*values):
            metric.labels(*labels)
