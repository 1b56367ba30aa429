"""Before a user's other threads are told to Zep anew: what was archived of them goes back into their rows.

Zep forgets the whole user with one thread, and is told messages in their order: so the oldest have to be there when the
first is sent, and nobody may have the threads before. They are seized; nobody else archives, restores or mirrors there.
One archive after another, each in a transaction of its own: it takes the memory of one, and may be killed anywhere. The
archiver takes them again in its own time.
"""

import time
from contextlib import suppress

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from assistant.archive import left_over, reading, restoring
from assistant.archive.errors import ArchiveError, ArchiveUnavailable, ThreadChanged
from assistant.archive.restoring import Contents
from assistant.events import ArchiveFailed, ArchiveRestored, announce
from assistant.models import Archive, Erasure, Message, MirrorState, Thread
from assistant.personal_data import claims, places
from assistant.personal_data.erasure import FOR_GOOD
from assistant.personal_data.events import ArchivesLeftOut
from assistant.personal_data.holding import Holding

ACTOR = "system"
LEFT_OUT = "archives_left_out"
LOOK_AGAIN = (ArchiveUnavailable, ThreadChanged)


def bring_back(erasure: Erasure) -> None:
    """Bring back what Zep has to be told again. What cannot be read, or expired, stays away; the receipt counts it.

    Raise ArchiveUnavailable where the storage does not answer, ArchivesHold where it does not give some of the files.
    The erasure then waits, for days if need be: what is not told now is never told. A file that will never be given is
    an operator's to expire. Raise ThreadChanged where an archive expires at the same moment, Overtaken where another
    worker took the erasure further.
    """
    if erasure.scope != Erasure.Scope.THREAD or erasure.user_id is None:
        return
    left_out, last, holding = 0, 0, Holding("unavailable")
    while archive := _wanted(erasure).filter(pk__gt=last).order_by("pk").first():
        last = archive.pk
        claims.keep(erasure)
        with holding.noted(archive.pk):
            left_out += not _could_be_read(erasure, archive)
    holding.demand_none()
    left_out += _of_others(erasure).filter(state=Archive.State.EXPIRED).count()
    _note(erasure, left_out)


def demand_all(erasure: Erasure) -> None:
    """Inside a transaction, with the user's row locked. Raise ThreadChanged where more is wanted than was looked at.

    Who opted out while archives were brought back, and in again before the end, wants those too that were passed over.
    """
    looked_at = Erasure.objects.values_list("counts", flat=True).get(pk=erasure.pk).get(LEFT_OUT, 0)
    if _of_others(erasure).filter(state__in=(Archive.State.STORED, Archive.State.EXPIRED)).count() > looked_at:
        raise ThreadChanged("the user opted in again while archives were brought back")


def _of_others(erasure: Erasure) -> QuerySet[Archive]:
    """Archives of threads that are told anew, with messages that Zep had been told. None where memory is off."""
    goes_too = Erasure.objects.filter(user=erasure.user_id).filter(
        Q(scope=Erasure.Scope.PERSON) | Q(thread_id=OuterRef("thread_id"))
    )
    was_told = Message.objects.filter(archive=OuterRef("pk"), mirror_state=MirrorState.MIRRORED)
    seized = Archive.objects.filter(thread__user=erasure.user_id, thread__lease_until=FOR_GOOD)
    return seized.filter(~Exists(goes_too), Exists(was_told), thread__user__memory_on=True)


def _wanted(erasure: Erasure) -> QuerySet[Archive]:
    return _of_others(erasure).filter(state=Archive.State.STORED)


def _could_be_read(erasure: Erasure, archive: Archive) -> bool:
    """Bring it back, if it is wanted still."""
    started = time.perf_counter()
    try:
        if not _commit(erasure, archive, restoring.contents(archive)):
            return True
    except LOOK_AGAIN:
        raise
    except ArchiveError as error:
        if not reading.is_still_so(archive):
            raise ThreadChanged("it expired while it was read") from None
        announce(ArchiveFailed(archive.thread_id, error.reason))
        return False
    with suppress(ArchiveUnavailable):  # the sweep removes the file
        left_over.remove(Archive.objects.get(pk=archive.pk))
    announce(ArchiveRestored(archive.thread_id, archive.message_count, time.perf_counter() - started))
    return True


def _commit(erasure: Erasure, archive: Archive, held: Contents) -> bool:
    """False where it is not wanted any more. The user's row first: while it is locked no other erasure begins."""
    with transaction.atomic():
        places.lock_user(erasure)
        with claims.held(erasure):
            if not _wanted(erasure).filter(pk=archive.pk).exists():
                return False
            thread = Thread.objects.filter(pk=archive.thread_id, lease_until=FOR_GOOD)
            restoring.put_back(archive, held, thread, ACTOR)
            row = Erasure.objects.get(pk=erasure.pk)
            row.counts |= {"archives_brought_back": row.counts.get("archives_brought_back", 0) + 1}
            row.save(update_fields=["counts"])
    return True


def _note(erasure: Erasure, left_out: int) -> None:
    """Each time all of them are counted, so that a repetition counts none twice."""
    with claims.held(erasure):
        row = Erasure.objects.get(pk=erasure.pk)
        row.counts |= {LEFT_OUT: left_out}
        row.save(update_fields=["counts"])
    if left_out:
        announce(ArchivesLeftOut(left_out))
