"""What was erased and may not come back: asked before a thread is opened, mirrored or restored. Knows rows only.

A thread's id may have been chosen by its user, so of an erased one only the hash is kept.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists

from assistant import opaque
from assistant.models import Tombstone


def digest(thread_id: str) -> str:
    """What is kept of an erased thread's id."""
    return opaque.digest_of(thread_id)


def over(thread_id: str) -> Exists:
    """The condition, for queries, that the thread was erased. Costs no query of its own."""
    return Exists(Tombstone.objects.filter(kind=Tombstone.Kind.THREAD, key=digest(thread_id)))


def is_erased(thread_id: str) -> bool:
    """Whether the thread was erased, or is being erased. One query."""
    return Tombstone.objects.filter(kind=Tombstone.Kind.THREAD, key=digest(thread_id)).exists()


def put(kind: Tombstone.Kind, keys: Iterable[str | UUID]) -> None:
    """Put tombstones; those that are there already stay as they are."""
    rows = [Tombstone(kind=kind, key=str(key)) for key in keys]
    Tombstone.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
