"""What an operator can do to the guard: each is recorded with the operator's name, and is safe to repeat.

A hold is written to the database first: Redis may be lost, the order is not. The control worker carries out what could
not be carried out at once.
"""

import re

from assistant import loops
from assistant.errors import EasyIslandersError
from assistant.memory import context_cache, guard, pii, transitions
from assistant.models import AuditEntry, ModeTransition
from assistant.redis_link import RedisDown

REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:-]{0,63}")
LONGEST_HOLD_SECONDS = 30 * 24 * 3600


class StateUnknown(EasyIslandersError):
    """Redis has no state of the guard yet: the control worker makes it within a tick."""


def force(reason: str, hold_seconds: float, *, by: str) -> bool:
    """Stop reads; after `hold_seconds` the probe may end it, with 0 only an operator does.

    False where it is written down but not in force yet. Raise ValueError where the reason is not 1 to 64 letters,
    digits, spaces and `_ . : -`, or holds personal data; or where the length is impossible.
    """
    _check(reason, hold_seconds)
    seconds = hold_seconds or guard.AS_LONG_AS_IT_TAKES
    AuditEntry.objects.create(actor=by, action="guard.force", details={"reason": reason, "seconds": hold_seconds})
    return carry_out(transitions.order(reason, by, seconds))


def carry_out(order: ModeTransition) -> bool:
    """Tell Redis of an order; False where Redis cannot take it now."""
    try:
        outcome = loops.run(guard.force(order.reason, order.by, order.hold_seconds, order.pk))
    except RedisDown:
        return False
    if outcome == "superseded":
        transitions.supersede(order.pk)
    return outcome != "unknown"


def clear(*, by: str) -> bool:
    """Let reads go on. False where they were not stopped. Raise RedisDown or StateUnknown where it cannot be done."""
    outcome = loops.run(guard.clear(by))
    if outcome == "unknown":
        raise StateUnknown("the guard's state is not initialised")
    AuditEntry.objects.create(actor=by, action="guard.clear", details={"outcome": outcome})
    return outcome == "cleared"


def reset_failures(*, by: str) -> None:
    """Begin the streak of failed reads anew. Raise RedisDown."""
    loops.run(guard.forget_failures())
    AuditEntry.objects.create(actor=by, action="guard.reset_failures")


def invalidate(thread_id: str, *, by: str) -> None:
    """Forget a thread's cached context. Raise RedisDown."""
    loops.run(context_cache.forget(thread_id, stale_too=True))
    AuditEntry.objects.create(actor=by, action="context.invalidate", details={"thread": thread_id})


def _check(reason: str, hold_seconds: float) -> None:
    found = pii.redact_pii(reason, redact_address=True)["redactions"]
    if not REASON.fullmatch(reason) or any(found.values()):
        raise ValueError("reason: 1 to 64 letters, digits, spaces and _ . : -, without personal data")
    if not 0 <= hold_seconds <= LONGEST_HOLD_SECONDS:
        raise ValueError("ttl: from 0 (until cleared) to 2592000 seconds (30 days)")
