"""Archiving a thread: its older messages go into files, and slim rows stay.

For each file, in this order, all under the thread's lease: a row that names the file; the file; the file read back and
compared with the rows; and, in one transaction that fails where the lease is lost or a row has changed, the archive is
`stored`, the rows are emptied, and the thread's summary and counters are set. So whenever a run is killed, each text is
in its row, or in a file that was found right; the next run removes what the killed one left.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from assistant.archive import document, left_over, reading, statements, storage, summaries, threads
from assistant.archive.document import VERSION, Subject
from assistant.archive.due import Due, Rule
from assistant.archive.errors import ArchiveDamaged, ArchiveError, ThreadBusy, ThreadChanged
from assistant.archive.names import name_of
from assistant.archive.sealing import Sealed, seal
from assistant.events import ArchiveFailed, MessagesArchived, SessionArchived, announce
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.outbox import Lease
from assistant.memory.service import invalidate_context
from assistant.models import Archive, AuditEntry, Message, MirrorState, Thread
from assistant.redis_link import RedisDown
from assistant.replies.values import Summary

MESSAGES_PER_FILE = 500  # bounds the memory, and how long one transaction keeps SQLite's only writer
FILES_PER_TURN = 20  # then the thread waits for its next turn
PAUSE_AFTER_FAILURE = timedelta(minutes=10)


@dataclass(frozen=True)
class Archived:
    """What became of a thread. `mirror_waits`: its mirror was turned away meanwhile and has to be told again."""

    messages: int = 0
    files: int = 0
    rule: Rule | None = None
    mirror_waits: bool = False


def archive_thread(thread_id: str, now: Callable[[], datetime] = timezone.now, asked: Due | None = None) -> Archived:
    """Archive what is due of the thread. `asked`: by an operator, who can wait. Safe to run twice, or together.

    Raise ThreadBusy, ThreadChanged, ArchiveUnavailable, ArchiveNotConfigured or ArchiveDamaged; the rows are then as
    they were, but for files that had been stored before.
    """
    started = time.perf_counter()
    lease, thread = threads.take_patiently(thread_id) if asked else threads.take(thread_id)
    run = _Run(lease, thread, now, asked)
    leave_alone_until: datetime | None = now() + PAUSE_AFTER_FAILURE
    try:
        left_over.remove_of(lease)
        run.archive()
        leave_alone_until = None if run.messages or run.decided is None else leave_alone_until
    except ArchiveError as error:
        announce(ArchiveFailed(thread_id, error.reason))
        raise
    finally:
        mirror_waits = threads.release(lease, leave_alone_until=leave_alone_until)
    if run.decided and run.decided.keep == 0:
        with suppress(RedisDown):
            invalidate_context(thread_id)
    if run.messages and run.rule:
        announce(SessionArchived(thread_id, run.rule, run.messages, time.perf_counter() - started))
    return Archived(run.messages, run.files, run.rule, mirror_waits)


def archive_now(thread_id: str, actor: str, *, keep: int | None = None) -> Archived:
    """Archive a thread because an operator asks, but for its `keep` newest messages (default: as always). Audited.

    Raise what `archive_thread` raises.
    """
    keep = settings.ARCHIVE_RECENT_CONTEXT_WINDOW if keep is None else keep
    archived = archive_thread(thread_id, asked=Due(Rule.ASKED, keep))
    details = {"thread_id": thread_id, "messages": archived.messages, "files": archived.files}
    AuditEntry.objects.create(actor=actor, action="archive.thread", details=details)
    return archived


def would_archive(thread_id: str) -> int:
    """How many messages `archive_now` would archive. Raise ThreadBusy as it does."""
    thread = Thread.objects.filter(threads.IS_FREE, pk=thread_id).first()
    if thread is None:
        raise ThreadBusy("the thread is being worked on, or erased, or there is none")
    hot = _may_go(thread, settings.ARCHIVE_RECENT_CONTEXT_WINDOW)
    return min(hot.count(), MESSAGES_PER_FILE * FILES_PER_TURN)


def archivable() -> Q:
    """Zep has the message, or by its user's choice never gets it, or, while writing to Zep is off, it is held for that.

    Nothing else is archived.
    """
    settled = Q(mirror_state__in=(MirrorState.MIRRORED, MirrorState.PRIVATE))
    if base_mode() is not MemoryMode.OFF:
        return settled
    return settled | Q(mirror_state=MirrorState.HELD, mirror_error="")


class _Run:
    """One thread under its lease: file after file, until it is not due any more."""

    def __init__(self, lease: Lease, thread: Thread, now: Callable[[], datetime], asked: Due | None) -> None:
        self._lease, self._thread, self._now, self._asked = lease, thread, now, asked
        self._summary = summaries.of(thread)
        self.decided: Due | None = None
        self.messages = self.files = 0

    @property
    def rule(self) -> Rule | None:
        return self.decided.rule if self.decided else None

    def archive(self) -> None:
        while self.files < FILES_PER_TURN:
            due = self._asked or threads.decision(self._thread, self._now())
            if due is None:
                return
            self.decided = self.decided or due
            rows = self._next_rows(due)
            if not rows:
                return
            self._archive(rows, due)
            self._thread.refresh_from_db()

    def _next_rows(self, due: Due) -> list[Message]:
        """The oldest that may go; what may not stays where it is, and is stepped over."""
        return _of_one_age(_may_go(self._thread, due.keep).order_by("sequence")[:MESSAGES_PER_FILE])

    def _archive(self, rows: Sequence[Message], due: Due) -> None:
        started, at = time.perf_counter(), self._now()
        subject = Subject(self._lease.memory_id, self._thread.pk, self._thread.archived_messages)
        sealed = seal(document.write(subject, rows, at, due.rule))
        may_ask_zep = not self.files and self._thread.user.memory_on
        summary = summaries.extended(self._summary, self._thread.pk, rows, is_first=may_ask_zep)
        archive = self._announced(rows, due, at, sealed)
        try:
            storage.write(archive.name, sealed.content)
            threads.renew(self._lease)  # writing and reading may each take most of a minute
            _verify(archive, rows)
            self._commit(archive, rows, summary)
        except (ArchiveError, ThreadBusy):
            with suppress(ArchiveError):  # where the storage is away too, the next run removes it
                left_over.remove(archive)
            raise
        self._summary = summary
        self.messages += len(rows)
        self.files += 1
        announce(MessagesArchived(self._thread.pk, len(rows), archive.size_bytes, time.perf_counter() - started))

    def _announced(self, rows: Sequence[Message], due: Due, at: datetime, sealed: Sealed) -> Archive:
        """The row that names the file, committed before there is one."""
        with transaction.atomic():
            threads.renew(self._lease)
            return Archive.objects.create(
                thread=self._thread,
                name=name_of(self._lease.memory_id, self._thread.pk, at, sealed.suffix),
                rule=due.rule,
                first_sequence=rows[0].sequence,
                last_sequence=rows[-1].sequence,
                message_count=len(rows),
                size_bytes=len(sealed.content),
                sha256=hashlib.sha256(sealed.content).hexdigest(),
                format_version=VERSION,
                key_id=sealed.key_id,
                created_at=at,
                retained_since=rows[0].retained_since or at,
            )

    def _commit(self, archive: Archive, rows: Sequence[Message], summary: Summary) -> None:
        with transaction.atomic():
            threads.renew(self._lease)
            if statements.empty(archive.pk, rows) != len(rows):
                raise ThreadChanged("messages were changed while they were archived")
            stored = Archive.objects.filter(pk=archive.pk, state=Archive.State.WRITING)
            if not stored.update(state=Archive.State.STORED, verified_at=self._now()):
                raise ThreadChanged("the archive was removed while it was written")
            threads.mine(self._lease).update(
                hot_messages=Greatest(F("hot_messages") - len(rows), 0),
                archived_messages=F("archived_messages") + len(rows),
                archived_through=_archived_through(self._thread),
                archived_at=archive.created_at,
                summary=summaries.stored(summary),
            )


def _may_go(thread: Thread, keep: int) -> QuerySet[Message]:
    """Messages that are not archived and may be, but for the `keep` newest of all."""
    newest = Message.objects.filter(thread=thread).order_by("-sequence").values_list("sequence", flat=True)
    last = newest[keep : keep + 1].first()
    if last is None:
        return Message.objects.none()
    in_row = Message.objects.filter(archivable(), thread=thread, archive=None)
    return in_row.filter(sequence__gt=thread.archived_through, sequence__lte=last)


def _of_one_age(rows: Iterable[Message]) -> list[Message]:
    """Up to the first that is kept since another time: in one file they would go too late, or the others too early."""
    found = list(rows)
    return list(takewhile(lambda row: row.retained_since == found[0].retained_since, found))


def _archived_through(thread: Thread) -> int:
    """The sequence before the first hot message; with none left, the newest of all."""
    later = Message.objects.filter(thread=thread, sequence__gt=thread.archived_through)
    first_hot = later.filter(archive=None).order_by("sequence").values_list("sequence", flat=True).first()
    newest = later.order_by("-sequence").values_list("sequence", flat=True).first()
    return (newest or thread.archived_through) if first_hot is None else first_hot - 1


def _verify(archive: Archive, rows: Sequence[Message]) -> None:
    """Read the file back, and compare every message with its row."""
    found = reading.opened(archive)
    expected = [{name: getattr(row, name) for name in document.columns()} for row in rows]
    if list(reading.messages(found)) != expected:
        raise ArchiveDamaged("what was read back is not what was written")
