"""A run of the archiver: thread after thread, until nothing is due, its time is over, or the storage is away.

What was done is committed file by file, so a run may be killed at any point: the next goes on where it was. Two runs at
once take different threads.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from assistant.archive import archiving, left_over, marks, reach, threads
from assistant.archive.errors import ArchiveDamaged, ArchiveError, ArchiveUnavailable, ThreadBusy, ThreadChanged
from assistant.events import ArchiveFailed, announce

AT_ONCE = 50
REST = 1.0  # for as long as a thread took: turns and the mirror get the processor and the disk in between
LATER = (ThreadBusy, ThreadChanged)  # somebody else works on it: the next run looks again


@dataclass(frozen=True)
class Ran:
    """What a run came to. `busy`: threads that somebody else had. `stopped_by`: why it could not go on, if so."""

    threads: int = 0
    messages: int = 0
    files: int = 0
    busy: int = 0
    failed: int = 0
    removed: int = 0
    stopped_by: str = ""


def run(
    seconds: float,
    *,
    most: float = math.inf,
    tell_mirror: Callable[[str], None] = lambda _: None,
    now: Callable[[], datetime] = timezone.now,
) -> Ran:
    """Archive what is due, for about so long and `most` threads at most.

    `tell_mirror`: called with a thread that its mirror waits for.
    """
    deadline = time.monotonic() + seconds
    tried: set[str] = set()
    ran = Ran()
    try:
        ran = replace(ran, removed=_prepared(now()))
        while todo := [each for each in threads.due_threads(now(), AT_ONCE) if each not in tried]:
            for thread_id in todo:
                if time.monotonic() > deadline or len(tried) >= most:
                    return ran
                tried.add(thread_id)
                started = time.monotonic()
                ran = _after(ran, thread_id, tell_mirror, now)
                time.sleep(REST * (time.monotonic() - started))
    except ArchiveError as error:  # whatever is away now is away for the next thread too
        return replace(ran, failed=ran.failed + 1, stopped_by=error.reason)
    return ran


def _prepared(now: datetime) -> int:
    """See that the storage is the right one, due threads or not, and clear up in it; how many files went."""
    try:
        marks.secure()
        return left_over.sweep(now)
    except ArchiveError as error:
        announce(ArchiveFailed("", error.reason))
        raise


def _after(ran: Ran, thread_id: str, tell_mirror: Callable[[str], None], now: Callable[[], datetime]) -> Ran:
    """The run with this thread in it. Raise ArchiveError where the next thread would fare no better."""
    try:
        archived = archiving.archive_thread(thread_id, now)
    except LATER:
        return replace(ran, busy=ran.busy + 1)
    except ArchiveDamaged:
        return replace(ran, failed=ran.failed + 1)
    except ArchiveUnavailable:
        if not reach.answers():
            raise
        return replace(ran, failed=ran.failed + 1)
    if archived.mirror_waits:
        tell_mirror(thread_id)
    return replace(
        ran,
        threads=ran.threads + bool(archived.messages),
        messages=ran.messages + archived.messages,
        files=ran.files + archived.files,
    )
