"""Drills, as log lines. Their metrics are read from their rows, in `collectors.py`."""

import structlog

from assistant.drills import events
from assistant.events import Event

log = structlog.get_logger("easy_islanders")
EVENTS = (events.DrillEnded, events.DrillSkipped)


def observe(event: Event) -> None:
    match event:
        case events.DrillEnded(drill, "passed", seconds):
            log.info("drill", drill=drill, outcome="passed", seconds=round(seconds, 1))
        case events.DrillEnded(drill, outcome, seconds, failed_step):
            log.error("drill", drill=drill, outcome=outcome, seconds=round(seconds, 1), failed_step=failed_step)
        case events.DrillSkipped(drill, why):
            log.warning("drill_skipped", drill=drill, why=why)
