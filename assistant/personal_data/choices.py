"""Whether a user wants to be remembered at Zep. Off: from that transaction on nothing of theirs is sent or read.

What waits then, dead letters and held messages among it, becomes `private` and is never sent, whatever is chosen
later; so does what is said meanwhile. What is at Zep already stays there, unread: erasing is what removes it.
"""

from django.db import transaction
from django.db.models import F

from assistant.events import announce
from assistant.models import UNSENT_STATES, AuditEntry, Message, MirrorState, Thread, User
from assistant.personal_data import cached
from assistant.personal_data.erasure import THEMSELVES, lock
from assistant.personal_data.events import MemoryChosen

NEVER_ARRIVED = (*UNSENT_STATES, MirrorState.DEAD)


def choose_memory(user: User, *, memory_on: bool) -> User:
    """Opt in or out; the user as they are now. Raise UserGone."""
    with transaction.atomic():
        locked = lock(user.pk)
        if locked.memory_on == memory_on:
            return locked
        locked.memory_on = memory_on
        locked.save(update_fields=["memory_on"])
        if not memory_on:
            _keep_private(locked)
        details = {"user": locked.pk, "memory": memory_on}
        AuditEntry.objects.create(actor=THEMSELVES, action="memory.choose", details=details)
    if not memory_on:
        cached.forget(locked)
    announce(MemoryChosen(memory_on))
    return locked


def _keep_private(user: User) -> None:
    """The threads' rows first: a turn that is storing its message has locked one, and is waited for."""
    threads = Thread.objects.filter(user=user)
    threads.update(lease_fence=F("lease_fence") + 1, mirror_due_at=None, holds_messages=False)
    unsent = Message.objects.filter(thread__in=threads, mirror_state__in=NEVER_ARRIVED)
    unsent.update(mirror_state=MirrorState.PRIVATE, outgoing_parts=None)
