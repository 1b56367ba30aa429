"""After a thread's erasure: what the user said elsewhere is told to Zep anew, under their new id there.

Community Edition forgets what it learned from one thread only with the whole user. What was archived is back in its
rows by then (`unarchiving`); messages whose archive could not be read are not told again.
"""

from django.db.models import F, Max, Value
from django.db.models.functions import Greatest, Now

from assistant.memory.flags import MemoryMode, base_mode
from assistant.models import Erasure, Message, MirrorState, User
from assistant.personal_data.erasure import FOR_GOOD
from assistant.personal_data.told import AT_ZEP

GENERATION = "zep_generation"


def tell_anew(erasure: Erasure) -> int:
    """Let the user's other threads go to Zep again, unless another erasure still holds them.

    Inside a transaction, with the user's row locked: what they chose while the erasure was under way counts. Return the
    highest generation of ids at Zep that is in use from now on. Zep takes an id once, also one that it has deleted, and
    after a backup was restored our rows do not know which were used: `reapplying` notes the ledger's highest before.
    """
    user = User.objects.filter(pk=erasure.user.pk).first() if erasure.user else None
    used = int(erasure.counts.get(GENERATION, 0))
    if user is None or _others_under_way(erasure, user):
        return used
    threads = user.threads.filter(lease_until=FOR_GOOD)  # those begun since have been told under the new id
    rows = Message.objects.filter(thread__in=threads).exclude(mirror_state=MirrorState.PRIVATE)
    rows.update(zep_generation=Greatest(F("zep_generation"), Value(used)) + 1, outgoing_parts=None)
    newest: int = rows.aggregate(newest=Max("zep_generation"))["newest"] or used
    state = _state_of_what_is_told(user)
    told = rows.filter(mirror_state__in=AT_ZEP)
    told = told if state == MirrorState.PRIVATE else told.filter(archive=None)
    told.update(mirror_state=state, mirrored_at=None, mirror_error="")
    is_held = base_mode() is MemoryMode.OFF
    changes: dict[str, object] = {"lease_until": None, "known_to_zep_at": None}
    changes |= {"mirror_due_at": None, "holds_messages": True} if is_held else {"mirror_due_at": Now()}
    threads.update(**changes)
    return newest


def _others_under_way(erasure: Erasure, user: User) -> bool:
    of_user = user.erasures.exclude(pk=erasure.pk)
    return of_user.filter(state__in=(Erasure.State.REQUESTED, Erasure.State.SETTLING)).exists()


def _state_of_what_is_told(user: User) -> MirrorState:
    if not user.memory_on:
        return MirrorState.PRIVATE
    return MirrorState.HELD if base_mode() is MemoryMode.OFF else MirrorState.PENDING
