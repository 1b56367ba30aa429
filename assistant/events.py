"""Facts that the logic announces, and the list of those who listen. Knows no metric and no log.

Events hold ids, numbers and fixed words; never what somebody wrote. Observers may not change anything, and their
errors stop here: nobody's turn fails because a counter did.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """The root of all events."""


@dataclass(frozen=True)
class RequestStarted(Event):
    """A chat request came in."""


@dataclass(frozen=True)
class RequestEnded(Event):
    """A chat request was answered, or broken off by the client (499). A turn tells its own end: `led_to_a_turn`."""

    status: int
    seconds: float
    led_to_a_turn: bool = False


@dataclass(frozen=True)
class TurnTaken(Event):
    """A turn was answered. `history_size`: messages of the thread that the agent was given.

    `steps`: seconds by step. `is_awaited`: False where the user went away before the answer.
    """

    thread_id: str
    client_msg_id: str
    agent: str
    replayed: bool
    history_size: int
    seconds: float
    memory: dict[str, object] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    is_awaited: bool = True


TurnFailure = Literal["thread_not_found", "user_gone", "conflict", "database_unavailable", "cancelled", "crashed"]


@dataclass(frozen=True)
class TurnFailed(Event):
    """A turn ended without an answer. `kind`: the error's class. `steps`: seconds by step, the failed one last."""

    thread_id: str
    client_msg_id: str
    outcome: TurnFailure
    kind: str
    seconds: float
    steps: dict[str, float] = field(default_factory=dict)


RecalledContext = Literal["used", "stale", "none", "excluded"]
RECALLED_CONTEXTS: tuple[RecalledContext, ...] = ("used", "stale", "none", "excluded")


@dataclass(frozen=True)
class TurnRemembered(Event):
    """A turn has gathered what is remembered. `seconds`: all that it spent on that.

    `excluded`: memory is not rolled out to its thread, is being erased at Zep, or its user opted out; nothing failed.
    """

    context: RecalledContext
    seconds: float


@dataclass(frozen=True)
class RateLimitHit(Event):
    """A user sent more than the limit allows."""


@dataclass(frozen=True)
class ContextServedFromCache(Event):
    """A thread's context came from Redis; Zep was not asked."""


@dataclass(frozen=True)
class ContextRead(Event):
    """Zep was asked for context. `reason` is empty on success, else a word of `ZepRequestError.reason`."""

    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class RedisUnavailable(Event):
    """Redis did not answer within its budget."""

    purpose: str


@dataclass(frozen=True)
class ReadBlocked(Event):
    """A turn did not read Zep: the guard is forced, its state is not known, or Zep asked for a pause."""

    thread_id: str
    reason: str
    is_forced: bool = False


@dataclass(frozen=True)
class ContextRefreshed(Event):
    """A worker asked Zep for a thread's context after it had acknowledged messages. `reason` is empty on success."""

    reason: str = ""


@dataclass(frozen=True)
class GuardForced(Event):
    """Reads are off for the whole cluster, by this process's doing.

    `hold_seconds`, `until`: None where only an operator ends it. `before`: the guard's state until now. `failures`: the
    streak that led to it. `is_shadow`: it would have been so, were the guard not told to only look on.
    """

    reason: str
    hold_seconds: float | None
    until: float | None
    failures: int = 0
    before: str = "open"
    by: str = "guard"
    is_shadow: bool = False


@dataclass(frozen=True)
class GuardCleared(Event):
    """Reads are on again, by this process's doing."""

    by: str
    reason: str


@dataclass(frozen=True)
class GuardInitialised(Event):
    """The guard's state was not in Redis, or older there, and was made from the database."""

    is_forced: bool


@dataclass(frozen=True)
class RecoveryStepFailed(Event):
    """The database refused a step of the control worker's tick; the others were done."""

    step: str
    kind: str


@dataclass(frozen=True)
class ReadsPaused(Event):
    """Zep asked for fewer reads: nobody reads until then."""

    seconds: float
    until: float


@dataclass(frozen=True)
class ProbeBegan(Event):
    """This process has the lock and asks Zep."""


@dataclass(frozen=True)
class ProbeSkipped(Event):
    """Zep was not asked: `not_forced`, `not_due`, or `locked` by another probe."""

    outcome: str


@dataclass(frozen=True)
class ProbeEnded(Event):
    """A probe's answer was told to the guard: `passed`, `failed`, or `outlived` its lock or its hold."""

    outcome: str


@dataclass(frozen=True)
class AlertFailed(Event):
    """The webhook did not take a transition; it is tried again."""

    kind: str


ZepOperation = Literal["ensure_user", "ensure_thread", "add_messages", "read_back", "delete"]
ZEP_OPERATIONS: tuple[ZepOperation, ...] = ("ensure_user", "ensure_thread", "add_messages", "read_back", "delete")


@dataclass(frozen=True)
class ZepWriteAttempted(Event):
    """One HTTP request of the mirror ended. `reason` is empty on success."""

    op: ZepOperation
    seconds: float
    reason: str = ""


@dataclass(frozen=True)
class ZepWriteRequested(Event):
    """One logical operation of the mirror began; it may take several attempts."""

    op: ZepOperation


@dataclass(frozen=True)
class MessagesMirrored(Event):
    """Messages of one thread are known to be at Zep. `lags`: seconds from commit to acknowledgement, one a message."""

    thread_id: str
    lags: tuple[float, ...]
    redactions: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class MirrorPaused(Event):
    """A thread's drain stopped before its end; what is left is tried again at its time."""

    thread_id: str
    reason: str


@dataclass(frozen=True)
class MessageBuried(Event):
    """A message became a dead letter; its thread went on."""

    thread_id: str
    client_msg_id: str
    kind: str


@dataclass(frozen=True)
class WriteHoldBegan(Event):
    """Zep can not take messages: the whole cluster waits for one canary."""

    reason: str


@dataclass(frozen=True)
class WriteHoldEnded(Event):
    """The canary's batch went through."""


@dataclass(frozen=True)
class NudgeFailed(Event):
    """The broker did not take a nudge in time; the sweep will find the thread."""

    kind: str


@dataclass(frozen=True)
class PublishingSuspended(Event):
    """The broker failed: this process leaves it alone for a while."""


@dataclass(frozen=True)
class SweepEnded(Event):
    """The sweep looked for threads that nobody drains. `drainers`: how many it started for them."""

    waiting: int
    drainers: int


@dataclass(frozen=True)
class MessagesArchived(Event):
    """One file holds messages of a thread, and their rows are emptied. `size`: bytes as stored."""

    thread_id: str
    messages: int
    size: int
    seconds: float


@dataclass(frozen=True)
class LogInLocked(Event):
    """Somebody tried too many passwords at the admin's log-in, and has to wait."""


@dataclass(frozen=True)
class MessageRevealed(Event):
    """An operator looked at what a message says."""

    actor_pk: int


@dataclass(frozen=True)
class SessionArchived(Event):
    """A thread's older messages were archived. `rule`: why it was due."""

    thread_id: str
    rule: str
    messages: int
    seconds: float


@dataclass(frozen=True)
class ArchiveFailed(Event):
    """A thread could not be archived or restored; its rows are as they were. Without a thread: none can be now."""

    thread_id: str
    reason: str


@dataclass(frozen=True)
class ArchiveRestored(Event):
    """The texts of an archive are back in their rows."""

    thread_id: str
    messages: int
    seconds: float


@dataclass(frozen=True)
class ArchiveResealed(Event):
    """An archive's file was sealed anew, with the key that writes now."""

    thread_id: str
    messages: int


@dataclass(frozen=True)
class ArchiveExpired(Event):
    """An archive's time was over: what it held is gone."""

    thread_id: str
    messages: int


@dataclass(frozen=True)
class ProcessOutgrown(Event):
    """This process holds more memory than it may, in bytes: it ends after what it has in hand, to be started anew."""

    role: str
    resident: int
    limit: int


Observer = Callable[[Event], None]
_observers: list[Observer] = []


def subscribe(observer: Observer) -> None:
    """Tell `observer` of every event from now on; subscribing twice is once."""
    if observer not in _observers:
        _observers.append(observer)


def announce(event: Event) -> None:
    """Tell every observer. Never raises."""
    for observer in _observers:
        try:
            observer(event)
        except Exception:  # the process boundary of observation: a broken counter must not fail a turn
            log.warning("observer_failed", exc_info=True)
