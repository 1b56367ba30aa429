"""A run of the archiver: thread after thread, until nothing is due, its time is over, or the storage is away.

What was done is committed file by file, so a run may be killed at any point: the next goes on where it was. Two runs at
once take different threads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from assistant.archive import archiving, left_over, threads
from assistant.archive.archiving import Archived
from assistant.archive.errors import ArchiveDamaged, ArchiveError, ThreadBusy, ThreadChanged

AT_ONCE = 50
LEAVE_OUT = (ThreadBusy, ThreadChanged, ArchiveDamaged)  # of this thread alone; any other ends the run


@dataclass(frozen=True)
class Ran:
    """What a run came to. `stopped_by`: why it could not go on; empty where it could."""

    threads: int = 0
    messages: int = 0
    files: int = 0
    failed: int = 0
    removed: int = 0
    stopped_by: str = ""


def run(
    seconds: float,
    *,
    tell_mirror: Callable[[str], None] = lambda _: None,
    now: Callable[[], datetime] = timezone.now,
) -> Ran:
    """Archive what is due, for about so long at most. `tell_mirror`: called with a thread that its mirror waits for."""
    deadline = time.monotonic() + seconds
    tried: set[str] = set()
    done: list[Archived] = []
    failed, removed = 0, 0
    try:
        removed = left_over.sweep(now())
        while todo := [each for each in threads.due_threads(now(), AT_ONCE) if each not in tried]:
            for thread_id in todo:
                if time.monotonic() > deadline:
                    return _ran(done, failed, removed)
                archived = _archived(thread_id, tell_mirror, now)
                failed += archived is None
                done += [archived] if archived else []
            tried.update(todo)
    except ArchiveError as error:
        return _ran(done, failed + 1, removed, error.reason)
    return _ran(done, failed, removed)


def _archived(thread_id: str, tell_mirror: Callable[[str], None], now: Callable[[], datetime]) -> Archived | None:
    try:
        archived = archiving.archive_thread(thread_id, now)
    except LEAVE_OUT:
        return None
    if archived.mirror_waits:
        tell_mirror(thread_id)
    return archived


def _ran(done: list[Archived], failed: int, removed: int, stopped_by: str = "") -> Ran:
    sessions = sum(1 for each in done if each.messages)
    messages, files = sum(each.messages for each in done), sum(each.files for each in done)
    return Ran(sessions, messages, files, failed, removed, stopped_by)
