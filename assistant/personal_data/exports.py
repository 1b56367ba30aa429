"""Exports: small ones go out at once, large ones are made by a task and lie ready for an hour, for their owner only.

Knows rows and times; files are `export_files`', the content is `portrait`'s. One is under way for a user at a time.
"""

import secrets
import time
from datetime import timedelta
from functools import partial
from typing import IO

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from assistant.events import announce
from assistant.models import AuditEntry, Export, User
from assistant.personal_data import export_files, portrait
from assistant.personal_data.erasure import THEMSELVES, lock
from assistant.personal_data.events import ExportEnded
from assistant.publishing import publish_named

MAKE = "workers.personal_data.make_export"
CLAIMED_FOR = timedelta(minutes=15)
TRIES = 5
ZEP_SECONDS_AT_ONCE, ZEP_SECONDS_IN_TASK = 10.0, 600.0


def current(user: User) -> Export | None:
    """The user's export that is under way, or ready and not expired."""
    still_good = Q(expires_at=None) | Q(expires_at__gt=Now())
    return user.exports.filter(still_good).first()


def is_small(user: User) -> bool:
    """Whether so little is held that it can be made while the user waits."""
    most: int = settings.EXPORT_INLINE_MESSAGES
    return user.messages.all()[: most + 1].count() <= most


def made_at_once(user: User) -> IO[bytes]:
    """The whole export, at its beginning, in a file without a name."""
    started, file = time.perf_counter(), export_files.scratch()
    portrait.write(user, file, zep_seconds=ZEP_SECONDS_AT_ONCE)
    size = file.tell()
    file.seek(0)
    _audit(user)
    announce(ExportEnded("sent", size, time.perf_counter() - started))
    return file


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
    claim = {"claimed_until": Now() + CLAIMED_FOR, "attempts": F("attempts") + 1}
    if not _free().filter(pk=pk).update(**claim):
        return
    export, started = Export.objects.select_related("user").get(pk=pk), time.perf_counter()
    if export.attempts > TRIES:
        _remove([pk])
        announce(ExportEnded("failed"))
        return
    size = export_files.make(pk, partial(_write, export.user))
    expires_at = Now() + timedelta(seconds=settings.EXPORT_KEPT_SECONDS)
    ready = {"state": Export.State.READY, "size": size or 0, "expires_at": expires_at, "due_at": None}
    if size is None or not Export.objects.filter(pk=pk).update(**ready):
        export_files.remove(pk)  # its user was erased meanwhile
        return
    announce(ExportEnded("made", size, time.perf_counter() - started))


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


def _write(user: User, file: IO[bytes]) -> None:
    portrait.write(user, file, zep_seconds=ZEP_SECONDS_IN_TASK)


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
