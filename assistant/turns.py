"""A chat turn, from what was said to what is answered. Knows the order of steps; each step lives elsewhere."""

import time
from dataclasses import dataclass
from uuid import UUID

from assistant import conversation
from assistant.conversation import Recorded, StoredReply, ThreadRef
from assistant.database import in_database
from assistant.events import RecalledContext, TurnRemembered, TurnTaken, announce
from assistant.listings import StoredListings
from assistant.loops import uncancelled
from assistant.memory.context import ThreadContext
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.service import EXCLUDED, Meta, Remembered, UserSearch, remember
from assistant.models import zep_message_id
from assistant.nudge import nudge_mirror
from assistant.replies import compose
from assistant.replies.values import PastMessage


@dataclass(frozen=True)
class Turn:
    """An answered turn. `message_id`: the user's message's uuid, here and at Zep."""

    thread_id: str
    client_msg_id: UUID
    message_id: UUID
    reply: StoredReply
    replayed: bool
    history_size: int


@dataclass(frozen=True)
class Recalled:
    """What the agent may know: the thread's recent messages from here, and the context from Zep where there is one."""

    recent: tuple[PastMessage, ...]
    context: ThreadContext | None
    meta: Meta


async def take_turn(thread: ThreadRef, said: str, client_msg_id: UUID) -> Turn:
    """Store what was said, answer it, and see that it gets to Zep.

    The message is stored before anything else; a crash at any later point leaves a message that is mirrored, and
    whose answer is made when it is sent again. A user who goes away stops nothing: the turn is finished all the same.
    Raise ThreadNotFound, MessageConflict where the id was used for another message, or ArchiveError where the answer is
    in an archive that cannot be read.
    """
    started = time.perf_counter()
    message = await in_database(conversation.record, thread, said, client_msg_id)
    return await uncancelled(_finish(message, started))


async def _finish(message: Recorded, started: float) -> Turn:
    turn = await _answer(message)
    announce(
        TurnTaken(
            thread_id=turn.thread_id,
            client_msg_id=str(turn.client_msg_id),
            agent=turn.reply.agent,
            replayed=turn.replayed,
            history_size=turn.history_size,
            seconds=time.perf_counter() - started,
            memory=dict(turn.reply.memory_trace),
        )
    )
    return turn


async def _answer(message: Recorded) -> Turn:
    if message.reply is not None:
        return _turn(message, message.reply, replayed=True)
    recalled = await recall(message)
    reply, is_ours = await in_database(compose_and_record, message, recalled)
    if is_ours and base_mode() is not MemoryMode.OFF:
        await nudge_mirror(message.client_msg_id)
    return _turn(message, reply, replayed=not is_ours)


async def recall(message: Recorded) -> Recalled:
    """Gather what is remembered. Never raises on account of Zep or Redis, and always has the local recent messages."""
    started = time.perf_counter()
    search = UserSearch(message.memory_id, message.said) if message.is_first else None
    remembered = await remember(message.thread_id, search=search)
    context, meta = remembered.context, remembered.meta
    if context is None and meta != EXCLUDED and base_mode() is MemoryMode.READ_WRITE:
        context = remembered.stale.context if remembered.stale else None
        meta = meta | _fallback(message, remembered)
    if message.earlier is not None:
        meta = meta | {"summary": True}
    announce(TurnRemembered(_kind_of(context, meta), time.perf_counter() - started))
    return Recalled(message.recent, context, meta)


def _kind_of(context: ThreadContext | None, meta: Meta) -> RecalledContext:
    if meta["used"]:
        return "used"
    if meta == EXCLUDED:
        return "excluded"
    return "stale" if context else "none"


def _fallback(message: Recorded, remembered: Remembered) -> Meta:
    """What the agent goes by where the read gave nothing, as the trace shows it."""
    if remembered.stale is not None:
        return {"fallback": "stale_cache", "age_s": round(remembered.stale.age_seconds)}
    return {"fallback": "local_recent"} if message.recent or message.earlier else {}


def compose_and_record(message: Recorded, recalled: Recalled) -> tuple[StoredReply, bool]:
    """Answer and store the answer. Where a duplicate of the request was faster, its answer stands (False)."""
    facts = recalled.context.facts if recalled.context else ()
    reply = compose(
        message.said, recent=recalled.recent, facts=facts, earlier=message.earlier, listings=StoredListings()
    )
    ids = {"user": str(message.client_msg_id), "assistant": str(message.reply_client_msg_id)}
    return conversation.record_reply(message, reply, recalled.meta | {"client_ids": ids})


def _turn(message: Recorded, reply: StoredReply, *, replayed: bool) -> Turn:
    message_id = zep_message_id(message.thread_id, message.client_msg_id)
    return Turn(message.thread_id, message.client_msg_id, message_id, reply, replayed, len(message.recent))
