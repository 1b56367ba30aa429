"""Asking for an erasure: from this transaction on nobody can speak, send or revive anything of what is meant.

Knows rows and tombstones. What is left to do, here and at Zep, is `progress`'s, from the row that is made here. Every
thread of the user is leased for good, so that no mirror, sweep, backfill or replay touches it; whoever had a lease has
lost it, and may still be in the middle of a call: until that is over the erasure settles.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Max, Value
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from assistant.archive import summaries
from assistant.conversation import ThreadNotFound, UserGone
from assistant.events import announce
from assistant.memory import outbox, tombstones
from assistant.models import AuditEntry, Erasure, Tombstone, User
from assistant.personal_data import cached, told, traces, unnaming
from assistant.personal_data.events import ErasureStepEnded
from assistant.publishing import publish_named

CARRY_OUT = "workers.personal_data.carry_out"
FOR_GOOD = outbox.FOR_GOOD
MARGIN = timedelta(seconds=1)
THEMSELVES = unnaming.THEMSELVES


def request(user: User, actor: str) -> Erasure:
    """Begin to erase everything about `user`; asked again it is the same erasure. Raise UserGone.

    `actor`: the operator's name, or `THEMSELVES`. Their tokens and log-ins end with the transaction.
    """
    with transaction.atomic():
        locked = lock(user.pk)
        known = locked.erasures.filter(scope=Erasure.Scope.PERSON).first()
        erasure = known or begin_person(locked, actor, secrets.token_urlsafe(32))
    _tell(erasure, user, is_new=known is None)
    return erasure


def request_thread(user: User, thread_id: str, actor: str) -> Erasure:
    """Begin to erase one thread of `user`; asked again it is the same erasure. Raise UserGone or ThreadNotFound."""
    with transaction.atomic():
        locked = lock(user.pk)
        known = locked.erasures.filter(scope=Erasure.Scope.THREAD, thread_id=thread_id).first()
        if known is None and not locked.threads.filter(pk=thread_id).exists():
            raise ThreadNotFound
        erasure = known or begin_thread(locked, thread_id, actor, secrets.token_urlsafe(32))
    _tell(erasure, user, is_new=known is None)
    return erasure


def lock(user_pk: int) -> User:
    """The user's row, locked: nobody opens a thread for them meanwhile. Raise UserGone.

    Not so hard that rows which refer to it wait at their commit, with a thread's row locked that is wanted next.
    """
    user = User.objects.select_for_update(no_key=True).filter(pk=user_pk).first()
    if user is None:
        raise UserGone
    return user


def begin_person(user: User, actor: str, receipt: str) -> Erasure:
    """Inside a transaction, the user's row locked: tombstones, an end to every log-in and name, and the work's row.

    The name goes last: changing it locks out rows that refer to the user's, and their writers hold threads' rows. All
    that bears it elsewhere is the worker's to find: what the request costs depends on nothing but the user's threads.
    """
    retired = list(user.erasures.values_list("memory_id", flat=True))
    tombstones.put(Tombstone.Kind.PERSON, [user.memory_id, *retired])
    tombstones.put(Tombstone.Kind.THREAD, map(tombstones.digest, user.threads.values_list("pk", flat=True)))
    by = THEMSELVES if actor == user.username else actor
    counts = dict.fromkeys(traces.PARTS, 0) | {"tokens": traces.end_log_ins(user), "threads": user.threads.count()}
    erasure = _made(user, Erasure.Scope.PERSON, receipt, counts)
    _remember_names(user, erasure)
    _seize(user, erasure)
    traces.unname(user)
    _audit(erasure, by)
    return erasure


def begin_thread(user: User, thread_id: str, actor: str, receipt: str) -> Erasure:
    """The same for one thread. What Zep learned from it can only be unlearned with the user: they get a new id there.

    The user's other threads wait meanwhile, and are told to Zep anew once it has forgotten. Until then no turn of
    theirs hears what Zep knew, as the seized threads show; nor do later ones by a summary of Zep's that was kept.
    """
    tombstones.put(Tombstone.Kind.MEMORY, [user.memory_id])
    if thread_id:
        tombstones.put(Tombstone.Kind.THREAD, [tombstones.digest(thread_id)])
    erasure = _made(user, Erasure.Scope.THREAD, receipt, {"threads": int(bool(thread_id))}, thread_id)
    _seize(user, erasure)
    summaries.drop_prose(user)
    user.memory_id = User._meta.get_field("memory_id").get_default()
    user.save(update_fields=["memory_id"])
    _audit(erasure, actor)
    return erasure


def _made(user: User, scope: Erasure.Scope, receipt: str, counts: dict[str, int], thread_id: str = "") -> Erasure:
    facts = {
        "scope": scope,
        "state": Erasure.State.REQUESTED,
        "user": user,
        "memory_id": user.memory_id,
        "thread_id": thread_id,
        "due_at": timezone.now(),
        "claimed_until": None,
        "completed_at": None,
        "counts": counts | {told.THREADS_TOLD: told.threads_told(user)},
    }
    return Erasure.objects.update_or_create(receipt=receipt, defaults=facts)[0]


def _remember_names(user: User, erasure: Erasure) -> None:
    """For the worker. Begun again, where the user has none any more, it still knows those that were remembered."""
    erasure.names = sorted({*(erasure.names or ()), *traces.names_of(user)})
    erasure.save(update_fields=["names"])


def _seize(user: User, erasure: Erasure) -> None:
    """Take every thread's lease for good. Whoever had one may go on until its end, with calls begun just before."""
    held = user.threads.filter(lease_until__lt=FOR_GOOD).aggregate(until=Max("lease_until"))["until"]
    user.threads.update(lease_fence=F("lease_fence") + 1, lease_until=FOR_GOOD, mirror_due_at=None)
    at_least = ExpressionWrapper(Now() + outbox.LEASE + call_time(), DateTimeField())
    settled_at = Greatest(at_least, Value(held + call_time(), DateTimeField())) if held else at_least
    Erasure.objects.filter(pk=erasure.pk).update(settled_at=settled_at)


def call_time() -> timedelta:
    """What a call to Zep may take, and a little for clocks that differ."""
    return timedelta(milliseconds=settings.ZEP_WRITE_TIMEOUT_MS) + MARGIN


def _audit(erasure: Erasure, actor: str) -> None:
    details = {"erasure": erasure.pk, "scope": erasure.scope}
    AuditEntry.objects.create(actor=actor, action="erasure.request", details=details)


def _tell(erasure: Erasure, user: User, *, is_new: bool) -> None:
    if is_new:
        cached.forget(user)
        announce(ErasureStepEnded("requested", erasure.scope))
        publish_named(CARRY_OUT, str(erasure.pk))
