"""Drills on a schedule: each task runs one, in a process of its own. Twice at once does no harm."""

from datetime import timedelta

from celery import shared_task

from assistant.drills import rehearsal, runs
from assistant.drills.events import DrillSkipped
from assistant.events import announce

BY_SCHEDULE = "schedule"
LATELY = timedelta(minutes=30)  # ticks that piled up while no worker was there need not all be run


@shared_task(acks_late=True, ignore_result=True)
def run_drill(drill: str) -> None:
    """Run the drill and write down how it went, unless another runs or it ran lately. Bounded by its own limit."""
    if runs.began_within(drill, LATELY):
        announce(DrillSkipped(drill, "ran_lately"))
        return
    try:
        rehearsal.carry_out(drill, by=BY_SCHEDULE)
    except runs.AnotherDrillRuns:
        announce(DrillSkipped(drill, "another_runs"))
