"""Erasures, and choices about memory, written down outside the database, one JSON line each: a restored backup forgets.

Opaque keys only: memory ids, hashes of thread ids, receipts, counts. A line is on the disk before anything is erased,
and before an opt-out is in force.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from assistant.memory import tombstones
from assistant.models import Erasure, User
from assistant.personal_data.ledger_lines import CHOSEN, COMPLETED, NEXT_ID, REQUESTED, Entry, parsed, written
from assistant.personal_data.told import THREADS_TOLD

LOCK_SECONDS, LOCK_PAUSE = 2.0, 0.02  # a choice waits with its user's rows locked


@dataclass(frozen=True)
class Named:
    """Whom and what an erasure is about: ids at Zep, and hashes of thread ids."""

    memory_ids: frozenset[UUID] = frozenset()
    threads: frozenset[str] = frozenset()


def write_request(erasure: Erasure) -> None:
    """Write down what is being erased; once is enough, twice does no harm."""
    if erasure.in_ledger:
        return
    _append(
        {
            "event": REQUESTED,
            "receipt": erasure.receipt,
            "scope": erasure.scope,
            "memory_ids": [str(each) for each in _memory_ids(erasure)],
            "threads": [tombstones.digest(each) for each in _thread_ids(erasure)],
            THREADS_TOLD: erasure.counts.get(THREADS_TOLD),
            NEXT_ID: _next_id(erasure),
            "at": erasure.requested_at.isoformat(),
        }
    )
    Erasure.objects.filter(pk=erasure.pk).update(in_ledger=True)


def write_completion(erasure: Erasure) -> None:
    """Write down that it is complete, and the receipt's counts."""
    at = erasure.completed_at.isoformat() if erasure.completed_at else ""
    _append({"event": COMPLETED, "receipt": erasure.receipt, "counts": erasure.counts, "at": at})


def write_choice(user: User, *, memory_on: bool, at: datetime) -> None:
    """Write down what somebody chose, under every id by which a backup may know them."""
    earlier = user.erasures.exclude(memory_id=user.memory_id).values_list("memory_id", flat=True)
    ids = [str(each) for each in (user.memory_id, *dict.fromkeys(earlier))]
    _append({"event": CHOSEN, "memory_on": memory_on, "memory_ids": ids, "at": at.isoformat()})


def read(about: str = "") -> Iterator[Entry | None]:
    """Every entry in its order, or those whose line has the word; None for one that cannot be read."""
    if not settings.ERASURE_LEDGER.exists():
        return
    with settings.ERASURE_LEDGER.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip() and about in line:
                yield parsed(line)


def of(receipt: str) -> Named:
    """What is written down of one erasure; nothing where it is not in the ledger.

    Reads up to its line, and parses no other: 0.3 s at the end of 100,000 lines (44 MB), where parsing all took 2.2 s,
    on a busy machine. Each erasure that settles asks once, so no index is kept beside the file.
    """
    for entry in read(about=receipt):
        if entry and entry["event"] == REQUESTED and entry["receipt"] == receipt:
            return Named(frozenset(map(UUID, entry["memory_ids"])), frozenset(entry["threads"]))
    return Named()


def _append(entry: Entry) -> None:
    """Raise OSError where the whole line is not on the disk; what is of it there is a line of its own, unreadable."""
    path = settings.ERASURE_LEDGER
    path.parent.mkdir(parents=True, exist_ok=True)
    line = written(entry)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
        _lock(file.fileno())
        wanted = line if _ends_with_a_line(file.fileno()) else b"\n" + line
        if file.write(wanted) != len(wanted):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())


def _lock(file: int) -> None:
    """Raise BlockingIOError where somebody else holds it for too long."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOCK_PAUSE)


def _ends_with_a_line(file: int) -> bool:
    size = os.fstat(file).st_size
    return not size or os.pread(file, 1, size - 1) == b"\n"


def _memory_ids(erasure: Erasure) -> list[object]:
    """Every id under which Zep knew the person, the last one first: erased threads gave them new ones.

    A backup may hold any of them.
    """
    if erasure.scope == Erasure.Scope.THREAD or erasure.user is None:
        return [erasure.memory_id]
    earlier = erasure.user.erasures.exclude(memory_id=erasure.memory_id).values_list("memory_id", flat=True)
    return [erasure.memory_id, *earlier]


def _next_id(erasure: Erasure) -> str | None:
    """What the person is called at Zep from now on: a backup from before does not know it, and Zep does."""
    has_one = erasure.scope == Erasure.Scope.THREAD and erasure.user is not None
    return str(erasure.user.memory_id) if has_one and erasure.user else None


def _thread_ids(erasure: Erasure) -> list[str]:
    if erasure.scope == Erasure.Scope.THREAD:
        return [erasure.thread_id] if erasure.thread_id else []
    return list(erasure.user.threads.values_list("pk", flat=True)) if erasure.user else []
