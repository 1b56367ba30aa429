"""Setting single messages back on their way to Zep, where that means something. Knows rows; sends nothing itself.

A dead letter, given up or not, becomes pending again; held messages go with all that their thread holds, in order; what
waits already is looked at at once. What Zep has is left alone. Nothing is sent twice: a message keeps its uuid at
Zep, and one whose outcome is not known is read back before it is sent again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from assistant.memory import backfill
from assistant.memory.flags import MemoryMode, base_mode
from assistant.models import WAITING_STATES, AuditEntry, Message, MirrorState, Thread


@dataclass(frozen=True)
class Remirrored:
    """What was done: messages by what they were. `nudge`: one message of each thread that has something to send.

    `kept`: held messages that stay held, because writing to Zep is switched off. `archived`: their text is in a file;
    they have to be restored first.
    """

    dead: int = 0
    held: int = 0
    kept: int = 0
    archived: int = 0
    waiting: int = 0
    mirrored: int = 0
    nudge: tuple[str, ...] = ()


def remirror(pks: Iterable[int], *, actor: str) -> Remirrored:
    """Set these messages back. Each change is audited, in its transaction."""
    chosen = list(
        Message.objects.filter(pk__in=list(pks)).only("thread_id", "client_msg_id", "mirror_state", "archive")
    )
    rows = [row for row in chosen if row.archive_id is None]
    dead = [row for row in rows if row.mirror_state == MirrorState.DEAD]
    held = [row for row in rows if row.mirror_state == MirrorState.HELD]
    waiting = [row for row in rows if row.mirror_state in WAITING_STATES]
    going = [] if base_mode() is MemoryMode.OFF else held
    let_go = backfill.let_go_threads({row.thread_id for row in going}, actor)
    _hurry({row.thread_id for row in waiting})
    return Remirrored(
        dead=_revive(dead, actor),
        held=let_go,
        kept=len(held) - len(going),
        archived=len(chosen) - len(rows),
        waiting=len(waiting),
        mirrored=len(rows) - len(dead) - len(held) - len(waiting),
        nudge=_one_of_each_thread([*dead, *going, *waiting]),
    )


def _revive(rows: Sequence[Message], actor: str) -> int:
    """As `dead_letters.replay` does, given-up ones too."""
    if not rows:
        return 0
    with transaction.atomic():
        dead = Message.objects.filter(pk__in=[row.pk for row in rows], mirror_state=MirrorState.DEAD, archive=None)
        revived: int = dead.update(
            mirror_state=MirrorState.PENDING,
            mirror_refusals=0,
            mirror_strikes=0,
            replayed_at=timezone.now(),
            discarded_at=None,
        )
        _hurry({row.thread_id for row in rows})
        details = {"messages": [str(row.client_msg_id) for row in rows], "changed": revived}
        AuditEntry.objects.create(actor=actor, action="message.remirror", details=details)
    return revived


def _hurry(thread_ids: Iterable[str]) -> None:
    """The mirror looks at these threads now, unless it waits for Zep in them: then it goes on waiting."""
    Thread.objects.filter(pk__in=list(thread_ids)).update(mirror_due_at=Coalesce("mirror_due_at", Now()))


def _one_of_each_thread(rows: Iterable[Message]) -> tuple[str, ...]:
    return tuple({row.thread_id: str(row.client_msg_id) for row in rows}.values())
