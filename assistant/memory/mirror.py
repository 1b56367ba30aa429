"""Bringing a thread's waiting messages to Zep: in order, exactly once, redacted.

Knows the order of steps: lease, admission, one batch after another, release. Knows nothing of Celery; rows are
`outbox`'s, HTTP is `delivery`'s, outages are `write_hold`'s.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from assistant import loops
from assistant.events import MessageBuried, MirrorPaused, announce
from assistant.memory import outbox, write_hold
from assistant.memory.delivery import Delivery, Interrupted
from assistant.memory.errors import ZepServerError, ZepUnavailable
from assistant.memory.outbox import Lease, LeaseLost
from assistant.memory.service import outdate_context, refresh_context
from assistant.memory.verdicts import GiveUp, after_strike
from assistant.memory.write_hold import Admission
from assistant.memory.zep_client import MESSAGES_PER_CALL
from assistant.models import Message, MirrorState

DOUBLINGS = 10  # of a thread's own back-off; the cap comes long before
BATCHES_PER_TURN = 5  # then the thread queues again, so that a long one does not keep others waiting


@dataclass(frozen=True)
class Drained:
    """How a drain ended.

    `again_in`: seconds until the thread should be tried again, None when nothing waits there. `on_hold`: Zep takes
    nothing now, whichever thread tries. `canary_in`: seconds until somebody should be the canary, where it is on this
    drain to ask for one. `recovered`: this drain ended a hold.
    """

    again_in: float | None = None
    on_hold: bool = False
    canary_in: float | None = None
    recovered: bool = False
    mirrored: int = 0


def drain(thread_id: str, *, is_backlog: bool = False) -> Drained:
    """Mirror up to five batches of the thread. Safe to run twice, together, or when nothing waits.

    `is_backlog`: nobody is about to ask for the thread's context; what the cache has of it is only forgotten.

    A thread with one batch costs nine queries (on PostgreSQL seven), two Redis round trips and one call to
    Zep, and one of each more for the refresh of its context.
    """
    permit = loops.run(write_hold.admit())
    if permit.admission is Admission.HELD:
        return Drained(on_hold=True)
    lease = outbox.take_lease(thread_id)
    if lease is None:  # not due, or its holder looks again before it lets go
        loops.run(write_hold.give_back(permit))
        return Drained()
    try:
        drained = _drain(lease, 1 if permit.admission is Admission.CANARY else BATCHES_PER_TURN, permit)
    except LeaseLost:
        loops.run(write_hold.give_back(permit))
        return Drained()
    if drained.mirrored:
        _note_new_context(thread_id, is_backlog=is_backlog)
    return drained


def _note_new_context(thread_id: str, *, is_backlog: bool) -> None:
    loops.run(outdate_context(thread_id) if is_backlog else refresh_context(thread_id))


def _drain(lease: Lease, most: int, permit: write_hold.Pass) -> Drained:
    """Deliver up to `most` batches. Their rows are read at once: under the lease nobody else sends or settles them."""
    mirrored = 0
    told: list[Future[bool]] = []
    try:
        batches = list(_batches(outbox.waiting_messages(lease.thread_id, most * MESSAGES_PER_CALL + 1)))
        for rows in batches[:most]:
            delivery = Delivery(lease, rows)
            mirrored += delivery.run()
            lease = delivery.lease  # so the user and the session are ensured for the first batch only
            told.append(loops.start(write_hold.succeeded(permit, lease.thread_id)))
            if any(row.mirror_state == MirrorState.HELD for row in rows):
                break  # it could not be redacted: nothing overtakes it
    except Interrupted as interrupted:
        recovered = _ended_a_hold(told)  # what went well is told before what did not
        drained = _interrupted(lease, permit, interrupted)
        return replace(drained, mirrored=mirrored + interrupted.mirrored, recovered=recovered or drained.recovered)
    except BaseException:
        outbox.release(lease, due_in=0.0)  # whatever broke, the sweep finds the thread
        raise
    again_in = _let_go(lease, more=len(batches) > most)
    return Drained(again_in, recovered=_ended_a_hold(told), mirrored=mirrored)


def _batches(rows: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """A message that brought server errors goes alone: if it is the cause, those behind it are not blamed."""
    at = 0
    while at < len(rows):
        size = 1 if rows[at].mirror_strikes else MESSAGES_PER_CALL
        yield rows[at : at + size]
        at += size


def _ended_a_hold(told: Sequence[Future[bool]]) -> bool:
    """Wait until the cluster has been told of every batch that went through."""
    ended = [each.result() for each in told]
    return any(ended)


def _interrupted(lease: Lease, permit: write_hold.Pass, interrupted: Interrupted) -> Drained:
    """Release the thread until it may be tried again, and tell the cluster where the fault is Zep's."""
    error = interrupted.error
    if error is None:  # one message is being retried; it has said for how long. Zep answered: no hold is called for
        recovered = loops.run(write_hold.succeeded(permit, lease.thread_id))
        outbox.release(lease, due_in=interrupted.again_in)
        return Drained(again_in=interrupted.again_in, recovered=recovered)
    failure = loops.run(write_hold.failed(permit, lease.thread_id, error))
    announce(MirrorPaused(lease.thread_id, error.reason))
    wait = _strike(lease, interrupted, error) if failure.others_succeed else None
    if wait is None:
        wait = failure.wait_seconds or _own_back_off(interrupted)
    outbox.release(lease, due_in=wait)
    on_hold = bool(failure.wait_seconds)
    canary_in = failure.wait_seconds if failure.is_ours else None
    return Drained(None if on_hold else wait, on_hold, canary_in)


def _strike(lease: Lease, interrupted: Interrupted, error: ZepUnavailable) -> float | None:
    """Note that this message brings a server error while others go through. Seconds to wait; None: not so."""
    if not isinstance(error, ZepServerError) or not interrupted.rows:
        return None
    row = interrupted.rows[0]
    decision = after_strike(error.reason, outbox.note_strike(lease, row, error.reason))
    if isinstance(decision, GiveUp):
        outbox.bury(lease, row, decision.kind)
        announce(MessageBuried(lease.thread_id, str(row.client_msg_id), decision.kind))
        return 0.0
    return decision.after_seconds


def _own_back_off(interrupted: Interrupted) -> float:
    """Without a hold of the cluster the thread waits for itself: 1 s, doubling with each try, at most a minute."""
    tries = max((row.mirror_attempts for row in interrupted.rows), default=1)
    return min(2.0 ** min(max(tries - 1, 0), DOUBLINGS), write_hold.LONGEST_WAIT_SECONDS)


def _let_go(lease: Lease, *, more: bool) -> float | None:
    """Release the lease; 0.0 where messages still wait, or came while we looked."""
    if more or not outbox.release(lease, due_in=None):
        outbox.release(lease, due_in=0.0)
        return 0.0
    return None
