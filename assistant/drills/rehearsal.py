"""One drill from beginning to end: its row, its process, what is announced of it."""

import time
from collections.abc import Callable

from assistant.drills import child, runs
from assistant.drills.catalogue import DRILLS, Step
from assistant.drills.events import DrillEnded
from assistant.events import announce
from assistant.models import DrillRun

OUTCOMES = {outcome.value: outcome for outcome in (DrillRun.Outcome.PASSED, DrillRun.Outcome.FAILED)}


def carry_out(drill: str, *, by: str, tell: Callable[[Step], None] = lambda _: None) -> DrillRun:
    """Run the drill and write down how it went. Raise AnotherDrillRuns; ValueError where there is no such drill."""
    if drill not in DRILLS:
        raise ValueError(f"drill: one of {', '.join(DRILLS)}")
    run, started = runs.begin(drill, by), time.monotonic()
    steps: list[Step] = []
    outcome = DrillRun.Outcome.BROKEN
    try:
        told = child.run(drill, tell)
        steps, outcome = told.steps, OUTCOMES.get(told.outcome, DrillRun.Outcome.BROKEN)
    except KeyboardInterrupt:
        outcome = DrillRun.Outcome.STOPPED
        raise
    finally:
        runs.end(run, outcome, steps)
        failed_step = next((step.name for step in steps if not step.ok), "")
        announce(DrillEnded(drill, outcome.value, time.monotonic() - started, failed_step))
    return run
