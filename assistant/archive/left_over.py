"""Files that nothing relies on: of runs that were killed, of archives that were restored, or whose time is over.

Each has its row, made before the file was: so nothing has to be searched for. The file goes first, then the row's word.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from assistant.archive import reach, storage, threads
from assistant.archive.errors import ArchiveUnavailable, ThreadBusy
from assistant.events import ArchiveFailed, announce
from assistant.memory.outbox import Lease
from assistant.models import Archive

OF_A_KILLED_RUN_AFTER = timedelta(minutes=10)
AT_ONCE = 100


def remove(archive: Archive) -> None:
    """Remove the file, and then the row of one that was never stored; others keep theirs as a record.

    Where the archive has another file by now, that one stays to be removed. Raise ArchiveUnavailable.
    """
    storage.remove(archive.name)
    rows = Archive.objects.filter(pk=archive.pk, name=archive.name)
    rows.filter(state=Archive.State.WRITING).delete()
    rows.exclude(state=Archive.State.STORED).update(file_removed_at=timezone.now())


def remove_of(lease: Lease) -> int:
    """Remove what a killed run left of this thread: under the lease nobody else writes. Return how many files.

    Goes on past a file that the storage does not let go of. Raise ArchiveUnavailable where it does not answer at all.
    """
    left = list(Archive.objects.filter(thread_id=lease.thread_id, state=Archive.State.WRITING))
    return sum(map(_removed_or_passed, left))


def sweep(now: datetime) -> int:
    """Remove what is left over anywhere, a hundred at the most; return how many.

    Goes on past a file that the storage does not let go of. Raise ArchiveUnavailable where it does not answer at all.
    """
    return sum(map(_removed, list(found(now)[:AT_ONCE])))


def found(now: datetime) -> QuerySet[Archive]:
    """What is left over, oldest first. Over a partial index."""
    old = Q(state=Archive.State.WRITING, created_at__lte=now - OF_A_KILLED_RUN_AFTER)
    over = Q(state__in=[Archive.State.RESTORED, Archive.State.EXPIRED])
    left = Archive.objects.exclude(state=Archive.State.STORED).filter(file_removed_at=None)
    return left.filter(old | over).order_by("created_at")


def _removed(archive: Archive) -> int:
    if archive.state != Archive.State.WRITING:
        return _removed_or_passed(archive)
    try:
        lease, _ = threads.take(archive.thread_id)
    except ThreadBusy:  # it may be being written right now
        return 0
    try:
        return remove_of(lease)
    finally:
        threads.release(lease)


def _removed_or_passed(archive: Archive) -> int:
    try:
        remove(archive)
    except ArchiveUnavailable as error:
        if not reach.answers():
            raise
        announce(ArchiveFailed(archive.thread_id, error.reason))
        return 0
    return 1
