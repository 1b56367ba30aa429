"""Erasures, exports and choices, as metrics and log lines: no line names whose they are."""

import structlog
from prometheus_client import Counter

from assistant.events import Event
from assistant.personal_data import events
from assistant.personal_data.events import ERASURE_OUTCOMES, EXPORT_OUTCOMES

log = structlog.get_logger("easy_islanders")
EVENTS = (
    events.ErasureStepEnded,
    events.ErasureStepFailed,
    events.ArchivesLeftOut,
    events.ExportEnded,
    events.MemoryChosen,
    events.ChoiceNotInLedger,
)

erasures = Counter("memory_erasures_total", "Erasures asked for, put off, completed", ["outcome"])
exports = Counter("assistant_exports_total", "Exports by what became of them", ["outcome"])
choices = Counter("assistant_memory_choices_total", "Times users opted out of memory, or in", ["choice"])


def warm() -> None:
    """Make every series exist at 0."""
    for metric, values in ((erasures, ERASURE_OUTCOMES), (exports, EXPORT_OUTCOMES), (choices, ("in", "out"))):
        for value in values:
            metric.labels(value)


def observe(event: Event) -> None:
    match event:
        case events.ErasureStepEnded(outcome, scope, failure, attempts):
            erasures.labels(outcome).inc()
            level = log.warning if outcome == "put_off" else log.info
            level("erasure", outcome=outcome, scope=scope, reason=failure, attempts=attempts)
        case events.ErasureStepFailed(step, kind, error):
            log.warning("erasure_step_failed", step=step, kind=kind, exc_info=error)
        case events.ArchivesLeftOut(archives):
            log.warning("archives_left_out", archives=archives)
        case events.ExportEnded(outcome, size, seconds):
            exports.labels(outcome).inc()
            log.info("export", outcome=outcome, bytes=size, ms=round(seconds * 1000))
        case events.MemoryChosen(memory_on):
            choices.labels("in" if memory_on else "out").inc()
            log.info("memory_chosen", memory_on=memory_on)
        case events.ChoiceNotInLedger(reason, memory_on):
            log.warning("memory_choice_not_in_ledger", reason=reason, memory_on=memory_on)
