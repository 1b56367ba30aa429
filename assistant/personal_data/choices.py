"""Whether a user wants to be remembered at Zep. Off: from that transaction on nothing of theirs is sent or read.

What waits then, dead letters and held messages among it, becomes `private` and is never sent, whatever is chosen
later; so does what is said meanwhile. What is at Zep already stays there, unread: erasing is what removes it.

A choice is written into the ledger, for the day when a backup from before it is restored: an opt-out before it is in
force, an opt-in after. So whatever fails between them, nobody is opted in who did not see that they are.
"""

from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from assistant.conversation import UserGone
from assistant.errors import EasyIslandersError
from assistant.events import announce
from assistant.models import UNSENT_STATES, AuditEntry, Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import cached, ledger
from assistant.personal_data.erasure import THEMSELVES, lock
from assistant.personal_data.events import ChoiceNotInLedger, MemoryChosen

NEVER_ARRIVED = (*UNSENT_STATES, MirrorState.DEAD)


class ChoiceNotWritten(EasyIslandersError):
    """The ledger does not take the opt-out, which is not in force: try later."""


def choose_memory(user: User, *, memory_on: bool) -> User:
    """Opt in or out; the user as they are now. Raise UserGone or ChoiceNotWritten.

    What was chosen before is written into the ledger again: it may have refused it then.
    """
    with transaction.atomic():
        locked = lock(user.pk)
        is_new = locked.memory_on != memory_on
        if is_new:
            _switch(locked, THEMSELVES, memory_on=memory_on)
        if not memory_on:
            if is_new:
                _keep_private(locked)
            _write_opt_out(locked)
    if memory_on:
        _write_opt_in(locked)
    else:
        cached.forget(locked)
    if is_new:
        announce(MemoryChosen(memory_on))
    return locked


def is_forgotten(user: User, memory_on: bool, opted_out_at: datetime | None) -> bool:
    """Whether the database is not what the user's last choice, and their last opt-out, made it."""
    return user.memory_on != memory_on or _never_arrived(user, opted_out_at).exists()


def choose_again(user: User, memory_on: bool, opted_out_at: datetime | None, actor: str) -> None:
    """Put a choice into force that is in the ledger and was forgotten; not where they just chose. Raise UserGone."""
    with transaction.atomic():
        locked = lock(user.pk)
        if locked.memory_on != user.memory_on:
            return
        _switch(locked, actor, memory_on=memory_on)
        if not memory_on:
            _keep_private(locked)
        elif opted_out_at is not None:
            locked.threads.update(lease_fence=F("lease_fence") + 1)  # whoever is sending what waited then is overtaken
            _never_arrived(locked, opted_out_at).update(mirror_state=MirrorState.PRIVATE, outgoing_parts=None)
    if opted_out_at is not None:
        cached.forget(locked)


def _switch(user: User, actor: str, *, memory_on: bool) -> None:
    user.memory_on = memory_on
    user.save(update_fields=["memory_on"])
    details = {"user": user.pk, "memory": memory_on}
    AuditEntry.objects.create(actor=actor, action="memory.choose", details=details)


def _write_opt_out(user: User) -> None:
    """The last thing before the commit: what is said until then is said before."""
    try:
        ledger.write_choice(user, memory_on=False, at=timezone.now())
    except OSError as error:
        announce(ChoiceNotInLedger(error.strerror or "", memory_on=False))
        raise ChoiceNotWritten(error.strerror) from None


def _write_opt_in(user: User) -> None:
    """Under the lock again: who opted out meanwhile is not in. Without a line, a restored backup has them out."""
    try:
        with suppress(UserGone), transaction.atomic():
            locked = lock(user.pk)
            if locked.memory_on:
                ledger.write_choice(locked, memory_on=True, at=timezone.now())
    except OSError as error:
        announce(ChoiceNotInLedger(error.strerror or "", memory_on=True))


def _keep_private(user: User) -> None:
    """The threads' rows first: a turn that is storing its message has locked one, and is waited for."""
    threads = Thread.objects.filter(user=user)
    threads.update(lease_fence=F("lease_fence") + 1, mirror_due_at=None, holds_messages=False)
    unsent = Message.objects.filter(thread__in=threads, mirror_state__in=NEVER_ARRIVED)
    unsent.update(mirror_state=MirrorState.PRIVATE, outgoing_parts=None)


def _never_arrived(user: User, said_until: datetime | None) -> QuerySet[Message]:
    """What waited for Zep, or was given up, when the user opted out; nothing where they never did."""
    if said_until is None:
        return Message.objects.none()
    unsent = Message.objects.filter(thread__in=user.threads.all(), mirror_state__in=NEVER_ARRIVED, mirrored_at=None)
    unsent = unsent.filter(created_at__lte=said_until)
    of_threads = user.erasures.filter(scope=Erasure.Scope.THREAD)
    if of_threads.filter(Q(completed_at=None) | Q(completed_at__gt=said_until)).exists():
        return unsent.filter(zep_generation=0)  # the others had arrived, and are told anew
    return unsent
