"""Letting held messages go: those said while writing to Zep was off, or whose redaction had failed.

Nothing is sent from here. Messages become pending, their threads due, and the drainers do the rest, in order and at
their pace. What was let go is committed thread by thread, so that an interrupted run goes on where it was.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from assistant.memory import indexed
from assistant.models import AuditEntry, Message, MirrorState, Thread


@dataclass(frozen=True)
class Held:
    """How much is held."""

    threads: int
    messages: int


def held() -> Held:
    """What is held now. Two queries."""
    messages = Message.objects.filter(indexed.UNSENT, mirror_state=MirrorState.HELD).count()
    return Held(Thread.objects.filter(holds_messages=True).count(), messages)


def let_go(actor: str, limit: int | None = None) -> Iterator[int]:
    """Let the held messages of up to `limit` threads go, oldest thread first; yield how many for each thread."""
    threads = Thread.objects.filter(holds_messages=True).order_by("created_at").values_list("pk", flat=True)
    for thread_id in list(threads[:limit]):
        yield _let_go(thread_id, actor)


def let_go_threads(thread_ids: Iterable[str], actor: str) -> int:
    """Let what these threads hold go; how many messages that were."""
    return sum(_let_go(thread_id, actor) for thread_id in thread_ids)


def _let_go(thread_id: str, actor: str) -> int:
    """One transaction: the thread row is locked first, so that no message is held behind those that go.

    Where one of them is in an archive none goes: it has to be restored first, or the others would overtake it. A thread
    that was erased since it was looked for holds nothing.
    """
    with transaction.atomic():
        if Thread.objects.select_for_update().filter(pk=thread_id).first() is None:
            return 0
        if Message.objects.filter(thread_id=thread_id, mirror_state=MirrorState.HELD, archive__isnull=False).exists():
            return 0
        Thread.objects.filter(pk=thread_id).update(holds_messages=False, mirror_due_at=Coalesce("mirror_due_at", Now()))
        rows = Message.objects.filter(thread_id=thread_id, mirror_state=MirrorState.HELD)
        messages = rows.update(mirror_state=MirrorState.PENDING, mirror_error="")
        AuditEntry.objects.create(
            actor=actor, action="backfill", details={"thread_id": thread_id, "messages": messages}
        )
    return messages
