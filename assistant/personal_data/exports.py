"""Exports: small ones go out at once, large ones are made by a task and lie ready for an hour, for their owner only.

Knows rows and times; files are `export_files`', the content is `portrait`'s. One is under way for a user at a time.
Who makes one has it in hand for two minutes at a time, and says so again as long as it gets on: what a killed worker
left is made anew soon after.
"""

import secrets
import time
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from assistant.archive.errors import ArchiveDamaged, ArchiveKeyMissing
from assistant.errors import EasyIslandersError
from assistant.events import announce
from assistant.models import AuditEntry, Export, User
from assistant.personal_data import export_files, portrait
from assistant.personal_data.erasure import THEMSELVES, lock
from assistant.personal_data.events import ExportEnded
from assistant.publishing import publish_named

MAKE = "workers.personal_data.make_export"
CLAIMED_FOR, CLAIMED_AGAIN_AFTER = timedelta(minutes=2), 20.0
TRIES = 5
AUDIT_READ_AT_ONCE = 100_000  # entries
ZEP_SECONDS_AT_ONCE, ZEP_SECONDS_IN_TASK = 10.0, 600.0
ZEP_PAUSES_IN_TASK = (1.0, 4.0)  # of thousands of questions one may fail


class ExportUnreadable(EasyIslandersError):
    """The file was sealed with a key that this process does not have: an operator has to give it that. Try later."""


class Overtaken(EasyIslandersError):
    """The export is in somebody else's hands, or its user is being erased. Stop making it."""


def current(user: User) -> Export | None:
    """The user's export that is under way, or ready and not expired."""
    still_good = Q(expires_at=None) | Q(expires_at__gt=Now())
    return user.exports.filter(still_good).first()


def is_small(user: User) -> bool:
    """Whether so little is held, and to be looked through, that it can be made while the user waits. Two queries.

    The audit is read whole, of everybody, within the web's statement timeout; its newest number bounds its length.
    """
    newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    most: int = settings.EXPORT_INLINE_MESSAGES
    return newest <= AUDIT_READ_AT_ONCE and user.messages.all()[: most + 1].count() <= most


def made_at_once(user: User) -> export_files.Ready:
    """The whole export, at its beginning."""
    started = time.perf_counter()
    made = export_files.made_at_once(partial(portrait.write, user, zep_seconds=ZEP_SECONDS_AT_ONCE))
    _audit(user)
    announce(ExportEnded("sent", made.size, time.perf_counter() - started))
    return made


def begin(user: User) -> Export:
    """Have a large export made; the one that is under way where there is one. Raise UserGone."""
    with transaction.atomic():
        lock(user.pk)
        known = current(user)
        if known:
            return known
        _remove(list(user.exports.values_list("pk", flat=True)))
        export = Export.objects.create(id=secrets.token_urlsafe(32), user=user, due_at=timezone.now())
        _audit(user)
    announce(ExportEnded("queued"))
    publish_named(MAKE, export.pk)
    return export


def due() -> list[str]:
    """Exports to make now. One query."""
    return list(_free().values_list("pk", flat=True)[:100])


def make(pk: str) -> None:
    """Make one export's file; twice does no harm. What a killed worker left is made anew."""
    export, started = _claimed(pk), time.perf_counter()
    if export is None:
        return
    if export.attempts > TRIES:
        _remove([pk])
        announce(ExportEnded("failed"))
        return
    try:
        size = export_files.make(pk, partial(_write, export))
    except Overtaken:
        return
    if size is None:  # somebody removed it half made: its user is erased, or it is made anew
        return
    expires_at = Now() + timedelta(seconds=settings.EXPORT_KEPT_SECONDS)
    ready = {"state": Export.State.READY, "size": size, "expires_at": expires_at, "due_at": None}
    if not Export.objects.filter(pk=pk).update(**ready):
        export_files.remove(pk)  # its user was erased meanwhile
        return
    announce(ExportEnded("made", size, time.perf_counter() - started))


def opened(export: Export) -> export_files.Ready | None:
    """The finished file. None while it is made, or where it has to be made anew. Raise ExportUnreadable."""
    if export.state != Export.State.READY:
        return None
    try:
        return export_files.opened(export.pk, export.size)
    except ArchiveKeyMissing as error:
        announce(ExportEnded("unreadable"))
        raise ExportUnreadable(str(error)) from None
    except ArchiveDamaged:
        make_anew(export)
        return None


def make_anew(export: Export) -> None:
    """Have one whose file is missing or damaged made again, under the same link. It counts as another try."""
    export.state, export.expires_at = Export.State.WAITING, None
    again = {"state": export.state, "expires_at": None, "due_at": timezone.now(), "claimed_until": None}
    if Export.objects.filter(pk=export.pk, state=Export.State.READY).update(**again):
        announce(ExportEnded("damaged"))
        publish_named(MAKE, export.pk)


def remove_expired() -> int:
    """Remove what lay ready for its time, and files that belong to nobody; how many exports expired."""
    expired = list(Export.objects.filter(expires_at__lte=Now()).values_list("pk", flat=True))
    _remove(expired)
    for _ in expired:
        announce(ExportEnded("expired"))
    remove_orphans()
    return len(expired)


def remove_orphans() -> None:
    """Remove files without a row: whoever made them was killed, or their user was erased."""
    there = export_files.names()  # before the rows are read: a file that is made meanwhile has one
    for name in there.difference(Export.objects.values_list("pk", flat=True)):
        export_files.remove(name)


def _claimed(pk: str) -> Export | None:
    """The export, in hand; None where somebody else has it, or there is nothing to do."""
    if not _free().filter(pk=pk).update(claimed_until=Now() + CLAIMED_FOR, attempts=F("attempts") + 1):
        return None
    return Export.objects.select_related("user").filter(pk=pk).first()


def _write(export: Export, out: export_files.Out) -> None:
    portrait.write(
        export.user,
        out,
        zep_seconds=ZEP_SECONDS_IN_TASK,
        zep_pauses=ZEP_PAUSES_IN_TASK,
        got_on=_Claim(export).keep,
    )


class _Claim:
    """Keeps an export in hand while it is made."""

    def __init__(self, export: Export) -> None:
        self._pk, self._until, self._renewed = export.pk, export.claimed_until, time.monotonic()

    def keep(self) -> None:
        """Called often: a query every 20 s. Raise Overtaken."""
        if time.monotonic() - self._renewed < CLAIMED_AGAIN_AFTER:
            return
        mine = Export.objects.filter(pk=self._pk, state=Export.State.WAITING, claimed_until=self._until)
        if not mine.update(claimed_until=Now() + CLAIMED_FOR):
            raise Overtaken
        self._until = Export.objects.filter(pk=self._pk).values_list("claimed_until", flat=True).first()
        self._renewed = time.monotonic()


def _free() -> QuerySet[Export]:
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    return Export.objects.filter(unclaimed, state=Export.State.WAITING, due_at__lte=Now())


def _remove(names: list[str]) -> None:
    """The files first: a row without a file is found again, a file without a row only by looking for such."""
    for name in names:
        export_files.remove(name)
    Export.objects.filter(pk__in=names).delete()


def _audit(user: User) -> None:
    AuditEntry.objects.create(actor=THEMSELVES, action="export", details={"user": user.pk})
