"""Removing every archive of a thread, for its erasure: files first, then rows. Nothing comes back after that.

Whoever calls this holds the threads' leases, so that nobody archives or restores them meanwhile.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from assistant.archive import storage
from assistant.models import Archive, Message


@dataclass(frozen=True)
class Removed:
    """How much went."""

    archives: int = 0
    messages: int = 0


def remove_archives(thread_ids: Iterable[str]) -> Removed:
    """Remove them all, whatever their state; may be run again at any time. Raise ArchiveUnavailable.

    A file that an archiver was just writing when its lease was taken may appear afterwards: call it again, with the
    same `names_of`, once lease and write timeout are over.
    """
    archives = messages = 0
    for archive in Archive.objects.filter(thread_id__in=list(thread_ids)).order_by("pk").iterator(chunk_size=100):
        storage.remove(archive.name)
        with transaction.atomic():
            messages += Message.objects.filter(archive=archive).update(archive=None)
            archives += Archive.objects.filter(pk=archive.pk).delete()[0]
    return Removed(archives, messages)


def names_of(thread_ids: Iterable[str]) -> list[str]:
    """The files that the threads' archives have, or were about to have."""
    return list(Archive.objects.filter(thread_id__in=list(thread_ids)).values_list("name", flat=True))


def remove_files(names: Iterable[str]) -> int:
    """Remove files by name, those that are gone too; return how many were there. Raise ArchiveUnavailable."""
    found = 0
    for name in names:
        found += storage.exists(name)
        storage.remove(name)
    return found
