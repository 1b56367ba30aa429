"""The facts that erasures, exports and choices announce. They name nobody."""

from dataclasses import dataclass
from typing import Literal

from assistant.events import Event

ErasureOutcome = Literal["requested", "put_off", "completed"]
ERASURE_OUTCOMES: tuple[ErasureOutcome, ...] = ("requested", "put_off", "completed")


@dataclass(frozen=True)
class ErasureStepEnded(Event):
    """An erasure was asked for, is put off because a place did not answer, or is complete.

    `failure`: which step put it off, and why.
    """

    outcome: ErasureOutcome
    scope: str
    failure: str = ""
    attempts: int = 0


@dataclass(frozen=True)
class ErasureStepFailed(Event):
    """A step of an erasure broke. `kind` is the error without what it says, which may quote anything."""

    step: str
    kind: str
    error: Exception


@dataclass(frozen=True)
class ArchivesLeftOut(Event):
    """After one thread's erasure the user's others are told to Zep anew, but for these: unreadable, or expired."""

    archives: int


ExportOutcome = Literal["sent", "queued", "made", "failed", "expired", "refused", "damaged", "unreadable"]
EXPORT_OUTCOMES: tuple[ExportOutcome, ...] = (
    "sent",
    "queued",
    "made",
    "failed",
    "expired",
    "refused",
    "damaged",
    "unreadable",
)


@dataclass(frozen=True)
class ExportEnded(Event):
    """An export was sent at once, put into the queue, made by a task, failed, removed after its time, or refused.

    Or its file was damaged, and it is made anew; or unreadable, because this process does not have the file's key.
    """

    outcome: ExportOutcome
    size: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class MemoryChosen(Event):
    """A user opted out of memory, or in again."""

    memory_on: bool


@dataclass(frozen=True)
class ChoiceNotInLedger(Event):
    """The ledger did not take a choice. An opt-out is refused; an opt-in is in force, until a backup is restored."""

    reason: str
    memory_on: bool
