"""Storing a conversation: messages in their order, each once. Knows rows and transactions; nothing of Zep or agents."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Left, Now

from assistant.archive import digests, reading, summaries
from assistant.archive.errors import ArchiveError
from assistant.errors import EasyIslandersError
from assistant.memory import outbox, tombstones
from assistant.memory.flags import MemoryMode, base_mode
from assistant.models import Message, MirrorState, Thread, User, reply_id
from assistant.replies.values import PastMessage, Reply, Summary

RACES = 4  # that a request may lose: for its thread, for its id
RECENT_MESSAGES = 20
RECENT_CHARACTERS = 1_500  # of each: a few very long messages would cost every later turn tenths of a second


class ThreadNotFound(EasyIslandersError):
    """There is no such thread, as far as this user may know."""


class UserGone(EasyIslandersError):
    """The user was erased, or locked out, while the request was under way."""


class MessageConflict(EasyIslandersError):
    """The client_msg_id was used before, for another message or in another thread."""


class ContextWithdrawn(EasyIslandersError):
    """What Zep knew may not be used any more: an erasure began since, or the user opted out. Answer without it."""

    def __init__(self, *, opted_out: bool) -> None:
        super().__init__()
        self.opted_out = opted_out


@dataclass(frozen=True)
class ThreadRef:
    """Whose thread is meant, and which; None asks for a new one, or for the one where the message was sent before."""

    user: User
    thread_id: str | None


@dataclass(frozen=True)
class StoredReply:
    """A reply as it was stored, and as every repetition of the request gets it again."""

    client_msg_id: UUID
    text: str
    agent: str
    rich: Mapping[str, object] | None
    memory_trace: Mapping[str, object]


@dataclass(frozen=True)
class Recorded:
    """A user's message that is safely stored. `reply` is set where it was answered before.

    `earlier` sums up the thread's archived messages; `recent` are the newest of the others. `is_seized`: by an erasure
    that Zep has yet to forget the user for, so what Zep knows, or has told us before, is not to be used.
    """

    user_pk: int
    thread_id: str
    client_msg_id: UUID
    memory_id: UUID
    said: str
    is_first: bool
    recent: tuple[PastMessage, ...]
    reply: StoredReply | None
    earlier: Summary | None = None
    uses_memory: bool = True
    is_seized: bool = False

    @property
    def reply_client_msg_id(self) -> UUID:
        return reply_id(self.thread_id, self.client_msg_id)

    def without_zeps_words(self) -> "Recorded":
        """The same without what Zep wrote of archived messages."""
        return replace(self, earlier=replace(self.earlier, prose="") if self.earlier else None)


def record(thread: ThreadRef, said: str, client_msg_id: UUID) -> Recorded:
    """Store the message and its place in the thread in one transaction, or find it where it is stored already.

    Costs five queries in a known thread. Raise ThreadNotFound, UserGone or MessageConflict; ArchiveError where what was
    said, or its answer, is in an archive that cannot be read.
    """
    for _ in range(RACES):
        with suppress(IntegrityError):  # another request was faster: what it stored is there by now
            return _found(thread, said, client_msg_id) or _stored(thread, said, client_msg_id)
    return _found(thread, said, client_msg_id) or _stored(thread, said, client_msg_id)


def record_reply(
    message: Recorded, reply: Reply, memory_trace: Mapping[str, object], *, heard_zep: bool = False
) -> tuple[StoredReply, bool]:
    """Store the reply in one transaction; its unique id decides between duplicates. False: another's reply stands.

    `heard_zep`: it goes by what Zep knew. Raise ContextWithdrawn where that may not be used any more by now.
    """
    try:
        with transaction.atomic():
            row = _append(
                message.thread_id,
                user_id=message.user_pk,
                client_msg_id=message.reply_client_msg_id,
                role=Message.Role.ASSISTANT,
                text=reply.text,
                agent=reply.agent,
                rich=reply.rich,
                memory_trace=dict(memory_trace),
                is_private=not message.uses_memory,
                heard_zep_as=message.memory_id if heard_zep else None,
            )
    except IntegrityError:
        mine = Message.objects.filter(user_id=message.user_pk, client_msg_id=message.reply_client_msg_id)
        stored = mine.filter(thread_id=message.thread_id, role=Message.Role.ASSISTANT).first()
        if stored is None:  # the user took the reply's id for a message of theirs
            raise MessageConflict from None
        return _reply(stored), False
    return _reply(row), True


def _found(thread: ThreadRef, said: str, client_msg_id: UUID) -> Recorded | None:
    row = Message.objects.filter(user=thread.user, client_msg_id=client_msg_id).first()
    if row is None:
        return None
    if row.role != Message.Role.USER or thread.thread_id not in (None, row.thread_id):
        raise MessageConflict
    replies = Message.objects.filter(user=thread.user, role=Message.Role.ASSISTANT)
    reply = replies.filter(client_msg_id=reply_id(row.thread_id, client_msg_id)).first()
    _fill_in(row, reply, said)
    if row.text != said:
        raise MessageConflict
    return _recorded(row, thread.user, _reply(reply) if reply else None)


def _fill_in(row: Message, reply: Message | None, said: str) -> None:
    """Read what was archived of them. Where that fails, another message under the id is still known to be another."""
    try:
        reading.fill_in(row, reply)
    except ArchiveError:
        is_other = row.text != said if row.archive_id is None else not digests.may_be(said, row.text_digest)
        if is_other:
            raise MessageConflict from None
        raise


def _stored(thread: ThreadRef, said: str, client_msg_id: UUID) -> Recorded:
    with transaction.atomic():
        thread_id = _open(thread)
        row = _append(thread_id, user_id=thread.user.pk, client_msg_id=client_msg_id, role=Message.Role.USER, text=said)
    return _recorded(row, thread.user, None)


def _open(thread: ThreadRef) -> str:
    """The id of the user's thread, made where it is new. Somebody else's thread, or an erased one, is not found."""
    if thread.thread_id is None:
        made = Thread.objects.create(id=str(uuid.uuid4()), user=thread.user)
        _refuse_the_erased(thread.user)
        return made.pk
    owner, is_erased = _owner_of(thread.thread_id)
    if owner is None:  # somebody may be as fast: then theirs stands, and its owner decides
        Thread.objects.bulk_create([Thread(id=thread.thread_id, user=thread.user)], ignore_conflicts=True)
        _refuse_the_erased(thread.user)
        owner, is_erased = _owner_of(thread.thread_id)
    if owner != thread.user.pk or is_erased:
        raise ThreadNotFound
    return thread.thread_id


def _owner_of(thread_id: str) -> tuple[int | None, bool]:
    known = Thread.objects.filter(pk=thread_id).annotate(is_erased=tombstones.over(thread_id))
    return known.values_list("user_id", "is_erased").first() or (None, False)


def _refuse_the_erased(user: User) -> None:
    """Lock the user's row until the thread is committed: who erases them, or opts out, waits for it or is seen.

    The foreign key alone locks nothing before the commit: it is checked only then.
    """
    theirs = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True)
    if theirs.values_list("pk", flat=True).first() is None:
        raise UserGone


def _append(thread_id: str, *, is_private: bool = False, heard_zep_as: UUID | None = None, **fields: object) -> Message:
    """Insert a message at the thread's end; the thread row, locked by its update, gives out the places.

    The same update says that the thread has something for the mirror. While writing to Zep is off, or earlier messages
    of the thread are held, this one is held behind them; while its user has opted out of memory it is never sent, and
    nothing else of theirs waits. `heard_zep_as`: under which id Zep knew whom it goes by.
    """
    changes: dict[str, object] = {
        "last_sequence": F("last_sequence") + 1,
        "hot_messages": F("hot_messages") + 1,
        "last_message_at": Now(),
    }
    if base_mode() is MemoryMode.OFF:
        changes["holds_messages"] = True
    else:
        changes["mirror_due_at"] = Coalesce("mirror_due_at", Now())
    mine = Thread.objects.filter(pk=thread_id)
    if not mine.update(**changes):
        raise ThreadNotFound
    columns = ("last_sequence", "holds_messages", "summary", "lease_until", "user__memory_on", "user__memory_id")
    thread = mine.select_related("user").only(*columns).get()
    if heard_zep_as and not _may_still_be_used(heard_zep_as, thread):
        raise ContextWithdrawn(opted_out=not thread.user.memory_on)
    state = MirrorState.HELD if thread.holds_messages else MirrorState.PENDING
    if is_private or not thread.user.memory_on:
        state = MirrorState.PRIVATE
    if not thread.user.memory_on:
        mine.update(mirror_due_at=None, holds_messages=False)
    return Message.objects.create(thread=thread, sequence=thread.last_sequence, mirror_state=state, **fields)


def _may_still_be_used(memory_id: UUID, thread: Thread) -> bool:
    """Under the thread's lock. An erasure that has ended since gave the user another id."""
    return thread.user.memory_on and thread.user.memory_id == memory_id and not outbox.is_seized(thread)


def _recorded(row: Message, user: User, reply: StoredReply | None) -> Recorded:
    """`user` is from before the transaction; what was erased or chosen since, the thread's row knows."""
    owner = user if reply else row.thread.user
    is_seized = reply is None and outbox.is_seized(row.thread)
    uses_memory = owner.memory_on and row.mirror_state != MirrorState.PRIVATE
    recorded = Recorded(
        user_pk=user.pk,
        thread_id=row.thread_id,
        client_msg_id=row.client_msg_id,
        memory_id=owner.memory_id,
        said=row.text,
        is_first=row.sequence == 1,
        recent=() if row.sequence == 1 or reply else _recent(row),
        reply=reply,
        earlier=None if row.sequence == 1 or reply else summaries.of(row.thread),
        uses_memory=uses_memory,
        is_seized=is_seized,
    )
    return recorded if uses_memory and not is_seized else recorded.without_zeps_words()


def _recent(row: Message) -> tuple[PastMessage, ...]:
    """The newest messages before this one; those that are archived are left out here, not searched past.

    An answer that will be mirrored knows nothing of what never may be.
    """
    before = Message.objects.filter(thread_id=row.thread_id, sequence__lt=row.sequence).order_by("-sequence")
    if row.mirror_state != MirrorState.PRIVATE:
        before = before.exclude(mirror_state=MirrorState.PRIVATE)
    opening = Left("text", RECENT_CHARACTERS)
    newest = list(before.values_list("role", opening, "agent", "archive")[:RECENT_MESSAGES])
    return tuple(
        PastMessage(role="user" if role == Message.Role.USER else "assistant", text=text, agent=agent)
        for role, text, agent, archive in reversed(newest)
        if archive is None
    )


def _reply(row: Message) -> StoredReply:
    return StoredReply(row.client_msg_id, row.text, row.agent, row.rich, row.memory_trace or {})
