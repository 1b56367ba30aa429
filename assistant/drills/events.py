"""What is announced of drills. What happens inside one is announced in its own process, to nobody here."""

from dataclasses import dataclass

from assistant.events import Event


@dataclass(frozen=True)
class DrillEnded(Event):
    """A drill was run. `outcome`: passed, failed, broken where it could not be carried out, stopped by its operator."""

    drill: str
    outcome: str
    seconds: float
    failed_step: str = ""


@dataclass(frozen=True)
class DrillSkipped(Event):
    """A drill was not run: `another_runs`, or `ran_lately`."""

    drill: str
    why: str
