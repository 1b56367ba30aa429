"""Carrying an erasure out: step by step, safe to kill and to repeat anywhere, and never given up.

Knows the order and the times; the places themselves are `places`', Zep's part is `at_zep`'s. Before anything goes it is
written down outside the database: without that line a restored backup would keep it. Then everything goes; once nobody
can be in the middle of a call any more (lease and write timeout have passed) it is all looked for again; then the rows
that named it go. One place that does not answer keeps no other from being emptied.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, QuerySet
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from assistant.events import announce
from assistant.memory import outbox
from assistant.models import AuditEntry, Erasure
from assistant.personal_data import at_zep, claims, failures, ledger, places, retelling, sealing, told, unarchiving
from assistant.personal_data.erasure import call_time
from assistant.personal_data.events import ErasureStepEnded, ErasureStepFailed

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5.0, 3_600.0
DOUBLINGS = 10
OVERTAKEN = 0.0  # no wait: another worker has it in hand, or has ended it


class Step(Protocol):
    """One place to be emptied. Its name says which, where it fails."""

    __name__: str

    def __call__(self, erasure: Erasure, /) -> None: ...


EMPTY_OUR_SIDE: tuple[Step, ...] = (
    places.remove_messages,
    places.remove_archive_files,
    places.remove_exports,
    places.remove_traces,
)


def due() -> list[int]:
    """Erasures to go on with now. One query over a partial index."""
    return list(claims.free().order_by("due_at").values_list("pk", flat=True)[:100])


def pending() -> tuple[int, datetime | None]:
    """How many erasures are not complete, and since when the oldest is under way. Two queries over a partial index."""
    left = Erasure.objects.filter(due_at__isnull=False)
    return left.count(), left.order_by("requested_at").values_list("requested_at", flat=True).first()


def put_off() -> QuerySet[Erasure]:
    """Those whose last attempt failed, the oldest first; `failure` says why. Over a partial index."""
    return Erasure.objects.filter(due_at__isnull=False).exclude(failure="").order_by("requested_at")


def carry_out(pk: int) -> float | None:
    """Go on with one erasure as far as it goes; in how many seconds to come back, None where there is no need.

    A worker that another one overtook, because its own claim ran out, leaves the row as that one has it.
    """
    while erasure := claims.claim(pk):
        wait = ADVANCE[Erasure.State(erasure.state)](erasure)
        if wait:
            return wait
    return None


def _empty(erasure: Erasure) -> float:
    everywhere: tuple[Step, ...] = (*EMPTY_OUR_SIDE, _delete_at_zep, places.forget_in_redis)
    failure = run_steps((_write_in_ledger,), erasure) or run_steps(everywhere, erasure)
    if failure:
        return _put_off(erasure, failure)
    return _wait_until_settled(erasure, zep_absent_at=timezone.now())


def _write_in_ledger(erasure: Erasure) -> None:
    with failures.of_the_ledger():
        ledger.write_request(erasure)


def _delete_at_zep(erasure: Erasure) -> None:
    if told.has_to_be_asked(erasure):
        at_zep.delete(erasure.memory_id, places.threads_at_zep(erasure))


def _settle(erasure: Erasure) -> float:
    """Look everywhere again. What came back was sent by a call that was under way: wait for the next such."""
    came_back: list[bool] = []

    def look_at_zep(erasure: Erasure) -> None:
        if told.has_to_be_asked(erasure):
            threads = places.threads_at_zep(erasure)
            came_back.append(at_zep.delete_what_came_back(erasure.memory_id, threads))

    failure = run_steps((*EMPTY_OUR_SIDE, places.look_for_archive_files, look_at_zep, places.forget_in_redis), erasure)
    if failure:
        return _put_off(erasure, failure)
    if came_back == [True]:
        soon = ExpressionWrapper(Now() + outbox.LEASE + call_time(), DateTimeField())
        return _wait_until_settled(erasure, settled_at=soon)
    failure = run_steps((unarchiving.bring_back,), erasure) or run_steps((places.forget_generations,), erasure)
    failure = failure or run_steps((_remove_the_last_rows,), erasure)
    return _put_off(erasure, failure) if failure else 0.0


def _remove_the_last_rows(erasure: Erasure) -> None:
    """In one transaction: what a turn that was under way still stored, the threads, the user; from now on no name.

    The user's row comes first, as with whoever asks for an erasure: of two that end at once one has to see that the
    other did, or nobody would give the person's other threads back. Where another worker was faster nothing is done.
    """
    with transaction.atomic():
        places.lock_user(erasure)
        places.lock_threads(erasure)
        if claims.unchanged(erasure).select_for_update().first() is None:
            return
        places.remove_messages(erasure)
        places.remove_archives(erasure)
        zep_sessions = places.threads_of(erasure).filter(known_to_zep_at__isnull=False).count()
        places.remove_traces(erasure)
        places.threads_of(erasure).delete()
        more: dict[str, int] = {}
        if erasure.scope == Erasure.Scope.PERSON and erasure.user is not None:
            erasure.user.delete()
        elif erasure.scope == Erasure.Scope.THREAD:
            unarchiving.demand_all(erasure)
            more = {retelling.GENERATION: retelling.tell_anew(erasure)}
        row = Erasure.objects.select_for_update().get(pk=erasure.pk)
        row.counts |= {"zep_sessions": zep_sessions, "zep_users": int(zep_sessions > 0)} | more
        row.thread_id, row.names = "", None
        row.save(update_fields=["counts", "thread_id", "names"])
        _advance(erasure, Erasure.State.SEALING, 0.0)


def _seal(erasure: Erasure) -> float:
    """What went cannot be read any more: so exports go once again that had read it while archives were brought back."""
    failure = "" if erasure.completed_at else run_steps((places.remove_exports,), erasure)
    if failure:
        return _put_off(erasure, failure)
    erasure.completed_at = erasure.completed_at or timezone.now()
    claims.unchanged(erasure).update(completed_at=erasure.completed_at)
    erasure.refresh_from_db(fields=["counts"])
    failure = run_steps((_seal_files, _complete_in_ledger), erasure)
    if failure:
        return _put_off(erasure, failure)
    with transaction.atomic():
        if not claims.unchanged(erasure).update(
            state=Erasure.State.COMPLETED, due_at=None, claimed_until=None, failure="", attempts=0
        ):
            return OVERTAKEN
        AuditEntry.objects.create(actor="system", action="erasure.complete", details={"erasure": erasure.pk})
    announce(ErasureStepEnded("completed", erasure.scope, attempts=erasure.attempts))
    return 0.0


def _seal_files(_: Erasure) -> None:
    sealing.seal()


def _complete_in_ledger(erasure: Erasure) -> None:
    with failures.of_the_ledger():
        ledger.write_completion(erasure)


ADVANCE: dict[Erasure.State, Callable[[Erasure], float]] = {
    Erasure.State.REQUESTED: _empty,
    Erasure.State.SETTLING: _settle,
    Erasure.State.SEALING: _seal,
}


def run_steps(steps: tuple[Step, ...], erasure: Erasure) -> str:
    """Run every step, whichever fails; the first one that did and why, empty where none did."""
    failed = [failure for step in steps if (failure := _failure_of(step, erasure))]
    return failed[0] if failed else ""


def _failure_of(step: Step, erasure: Erasure) -> str:
    try:
        step(erasure)
    except Exception as error:  # whichever place breaks, the others are emptied and this is tried again
        if connection.in_atomic_block:
            raise
        name = step.__name__.strip("_")
        announce(ErasureStepFailed(name, failures.kind_of(error), error))
        return failures.named(name, error)
    return ""


def _advance(erasure: Erasure, state: Erasure.State, seconds: float, **more: object) -> None:
    due_at = Now() + timedelta(seconds=seconds)
    changes = {"state": state, "due_at": due_at, "claimed_until": None, "attempts": 0, "failure": "", **more}
    claims.unchanged(erasure).update(**changes)


def _wait_until_settled(erasure: Erasure, **more: object) -> float:
    """Come back once nobody can be in the middle of a call any more; in how many seconds that is."""
    row = Erasure.objects.filter(pk=erasure.pk)
    with transaction.atomic():
        if not claims.unchanged(erasure).update(**more):
            return OVERTAKEN
        row.update(
            state=Erasure.State.SETTLING,
            due_at=Greatest("settled_at", Now() + timedelta(seconds=1), output_field=DateTimeField()),
            claimed_until=None,
            attempts=0,
            failure="",
        )
        due_at = row.values_list("due_at", flat=True).get() or timezone.now()
    return max(1.0, (due_at - timezone.now()).total_seconds())


def _put_off(erasure: Erasure, failure: str) -> float:
    """Try again later: 5 s, doubled each time, at most an hour, for as long as it takes."""
    wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(erasure.attempts - 1, DOUBLINGS), LONGEST_WAIT_SECONDS)
    due_at = Now() + timedelta(seconds=wait)
    if not claims.mine(erasure).update(due_at=due_at, claimed_until=None, failure=failure):
        return OVERTAKEN
    announce(ErasureStepEnded("put_off", erasure.scope, failure, erasure.attempts))
    return wait
