"""Which threads are due, found over small indexes; and the lease under which one is archived or restored.

The lease is the mirror's: while it is held nobody mirrors, archives, restores or erases the thread. An erased thread is
leased for good, so none of this can touch it.
"""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from assistant.archive.due import Due, Held, Limits, decide
from assistant.archive.errors import ThreadBusy
from assistant.memory.outbox import Lease
from assistant.models import Thread

LEASE = timedelta(seconds=60)  # a storage far away is slow; every step renews it
LOOK_AGAIN_SECONDS = 0.1
IS_FREE = Q(lease_until=None) | Q(lease_until__lt=Now())


def limits() -> Limits:
    """What the settings say."""
    return Limits(
        threshold=settings.ARCHIVE_THRESHOLD,
        hard_limit=settings.ARCHIVE_MAX_MESSAGES_IN_MEMORY,
        keep=settings.ARCHIVE_RECENT_CONTEXT_WINDOW,
        session_age=timedelta(hours=settings.ARCHIVE_HOURS),
        idle_for=timedelta(days=settings.SESSION_IDLE_DAYS),
    )


def due_threads(now: datetime, most: int) -> list[str]:
    """Ids of threads that are due and free: the fullest first, then the silent. Two queries over partial indexes."""
    full = list(_full(limits(), now).order_by("-hot_messages").values_list("pk", flat=True)[:most])
    silent = _silent(limits(), now).exclude(pk__in=full).order_by("last_message_at")
    return full + list(silent.values_list("pk", flat=True)[: most - len(full)])


def decision(thread: Thread, now: datetime) -> Due | None:
    """Whether this thread is due, by its row."""
    silent_since = thread.last_message_at or thread.created_at
    return decide(Held(thread.hot_messages, thread.archived_at or thread.created_at, silent_since), limits(), now)


def take(thread_id: str) -> tuple[Lease, Thread]:
    """Lease the thread. Raise ThreadBusy where it is somebody else's, or does not exist."""
    with transaction.atomic():
        free = Thread.objects.filter(IS_FREE, pk=thread_id)
        if not free.update(lease_fence=F("lease_fence") + 1, lease_until=Now() + LEASE):
            raise ThreadBusy("the thread is being worked on, or erased, or there is none")
        thread = Thread.objects.select_related("user").get(pk=thread_id)
    return Lease(thread_id, thread.lease_fence, thread.user.memory_id, known_to_zep=False), thread


def take_patiently(thread_id: str, seconds: float = 10.0) -> tuple[Lease, Thread]:
    """The same for somebody who can wait until the mirror lets go. Raise ThreadBusy after that time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return take(thread_id)
        except ThreadBusy:
            if time.monotonic() > deadline:
                raise
        time.sleep(LOOK_AGAIN_SECONDS)


def renew(lease: Lease) -> None:
    """Push the lease's end out, and lock the row until the transaction around it ends. Raise ThreadBusy."""
    if not mine(lease).update(lease_until=Now() + LEASE):
        raise ThreadBusy("somebody else took the thread over")


def release(lease: Lease, *, leave_alone_until: datetime | None = None) -> bool:
    """Give the thread back. True: the mirror has something to do there, and was turned away meanwhile."""
    changes: dict[str, object] = {"lease_until": None}
    if leave_alone_until is not None:
        changes["archive_not_before"] = leave_alone_until
    mine(lease).update(**changes)
    return Thread.objects.filter(pk=lease.thread_id, mirror_due_at__lte=Now()).exists()


def mine(lease: Lease) -> QuerySet[Thread]:
    """The thread's row, as long as the lease is valid."""
    return Thread.objects.filter(pk=lease.thread_id, lease_fence=lease.fence)


def _full(limit: Limits, now: datetime) -> QuerySet[Thread]:
    fewest = min(limit.threshold, limit.hard_limit)
    is_old = Q(session_began__lte=now - limit.session_age)
    threads = _free(now).annotate(session_began=Coalesce("archived_at", "created_at"))
    return threads.filter(Q(hot_messages__gte=fewest) | is_old, hot_messages__gt=limit.keep)


def _silent(limit: Limits, now: datetime) -> QuerySet[Thread]:
    return _free(now).filter(hot_messages__gt=0, last_message_at__lte=now - limit.idle_for)


def _free(now: datetime) -> QuerySet[Thread]:
    return Thread.objects.filter(IS_FREE, Q(archive_not_before=None) | Q(archive_not_before__lte=now))
