"""What an operator can do to the guard: each is recorded with the operator's name, and is safe to repeat.

A hold is written to the database first: Redis may be lost, the order is not. The control worker carries out what could
not be carried out at once.
"""

import re

from assistant import loops
from assistant.errors import EasyIslandersError
from assistant.memory import context_cache, guard, pii, transitions
from assistant.memory.modes import Guard
from assistant.models import AuditEntry, ModeTransition
from assistant.redis_link import RedisDown

OPERATOR = re.compile(r"[\w.@+ -]{1,150}")
REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:-]{0,63}")
LONGEST_HOLD_SECONDS = 30 * 24 * 3600


class StateUnknown(EasyIslandersError):
    """Redis has no state of the guard yet: the control worker makes it within a tick."""


def force(reason: str, hold_seconds: float, *, by: str) -> bool:
    """Stop reads; after `hold_seconds` the probe may end it, with 0 only an operator does.

    False where it is written down but not in force yet. Raise ValueError where the operator's name is none, the reason
    is not 1 to 64 letters, digits, spaces and `_ . : -` or holds personal data, or the length is impossible.
    """
    _check(reason, hold_seconds)
    _check_operator(by)
    seconds = hold_seconds or guard.AS_LONG_AS_IT_TAKES
    order = transitions.order(Guard.FORCED, reason, by, seconds)
    AuditEntry.objects.create(actor=by, action="guard.force", details={"reason": reason, "seconds": hold_seconds})
    try:
        return carry_out(order) == "forced"
    except RedisDown:
        return False


def carry_out(order: ModeTransition) -> str:
    """Tell Redis of an order; the outcome of `guard.force` or `guard.clear`. Raise RedisDown: it waits on."""
    if order.after == Guard.FORCED:
        outcome = loops.run(guard.force(order.reason, order.by, order.hold_seconds, order.order))
    else:
        outcome = loops.run(guard.clear(order.by, order.order))
    if outcome in ("superseded", "unchanged"):
        transitions.settle(order)
    return outcome


def clear(*, by: str) -> bool:
    """Let reads go on, and call off orders that still wait. False where reads were not stopped.

    Raise RedisDown or StateUnknown where it is not done yet: it is written down, and the control worker does it.
    """
    _check_operator(by)
    order = transitions.order(Guard.OPEN, "cleared", by)
    AuditEntry.objects.create(actor=by, action="guard.clear")
    outcome = carry_out(order)
    if outcome == "unknown":
        raise StateUnknown("the guard's state is not initialised")
    return outcome == "cleared"


def reset_failures(*, by: str) -> None:
    """Begin the streak of failed reads anew. Raise RedisDown."""
    _check_operator(by)
    loops.run(guard.forget_failures())
    AuditEntry.objects.create(actor=by, action="guard.reset_failures")


def invalidate(thread_id: str, *, by: str) -> None:
    """Forget a thread's cached context. Raise RedisDown."""
    _check_operator(by)
    loops.run(context_cache.forget(thread_id, stale_too=True))
    AuditEntry.objects.create(actor=by, action="context.invalidate", details={"thread": thread_id})


def _check_operator(by: str) -> None:
    if not OPERATOR.fullmatch(by):
        raise ValueError("operator: 1 to 150 letters, digits, spaces and _ . @ + -")


def _check(reason: str, hold_seconds: float) -> None:
    found = pii.redact_pii(reason, redact_address=True)["redactions"]
    if not REASON.fullmatch(reason) or any(found.values()):
        raise ValueError("reason: 1 to 64 letters, digits, spaces and _ . : -, without personal data")
    if not 0 <= hold_seconds <= LONGEST_HOLD_SECONDS:
        raise ValueError("ttl: from 0 (until cleared) to 2592000 seconds (30 days)")
