"""A chat turn, from what was said to what is answered. Knows the order of steps; each step lives elsewhere."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import InterfaceError, OperationalError

from assistant import conversation
from assistant.conversation import (
    ContextWithdrawn,
    MessageConflict,
    Recorded,
    StoredReply,
    ThreadNotFound,
    ThreadRef,
    UserGone,
)
from assistant.database import in_database
from assistant.events import RecalledContext, TurnFailed, TurnFailure, TurnRemembered, TurnTaken, announce
from assistant.listings import StoredListings
from assistant.loops import uncancelled
from assistant.memory.context import ThreadContext
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.service import EXCLUDED, Meta, Remembered, UserSearch, remember
from assistant.models import zep_message_id
from assistant.nudge import nudge_mirror
from assistant.replies import compose
from assistant.replies.values import PastMessage
from assistant.steps import Steps

FAILURES: tuple[tuple[type[BaseException], TurnFailure], ...] = (
    (ThreadNotFound, "thread_not_found"),
    (UserGone, "user_gone"),
    (MessageConflict, "conflict"),
    (OperationalError, "database_unavailable"),
    (InterfaceError, "database_unavailable"),
    (asyncio.CancelledError, "cancelled"),
    (BaseException, "crashed"),
)

OPTED_OUT: Meta = {"used": False, "mode": MemoryMode.OFF.value, "source": "local", "reason": "opted_out"}
# Zep is to forget the user, and did not yet: neither it nor what it told before is asked, for any of their threads.
ERASING: Meta = {"used": False, "mode": MemoryMode.READ_WRITE.value, "source": "local", "reason": "erasing"}


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
    Raise ThreadNotFound, UserGone, MessageConflict where the id was used for another message, or ArchiveError where the
    answer is in an archive that cannot be read.
    """
    steps = Steps()
    with _failure_announced(thread.thread_id or "", client_msg_id, steps), steps.step("store"):
        message = await in_database(conversation.record, thread, said, client_msg_id)
    try:
        return await uncancelled(_finish(message, steps))
    except asyncio.CancelledError:
        steps.is_awaited = False
        raise


async def _finish(message: Recorded, steps: Steps) -> Turn:
    with _failure_announced(message.thread_id, message.client_msg_id, steps):
        turn = await _answer(message, steps)
    announce(
        TurnTaken(
            thread_id=turn.thread_id,
            client_msg_id=str(turn.client_msg_id),
            agent=turn.reply.agent,
            replayed=turn.replayed,
            history_size=turn.history_size,
            seconds=steps.total_seconds,
            memory=dict(turn.reply.memory_trace),
            steps=steps.seconds,
            is_awaited=steps.is_awaited,
        )
    )
    return turn


@contextmanager
def _failure_announced(thread_id: str, client_msg_id: UUID, steps: Steps) -> Iterator[None]:
    """Every turn's end is told: of one that fails, how."""
    try:
        yield
    except BaseException as error:
        outcome = next(outcome for kind, outcome in FAILURES if isinstance(error, kind))
        kind, seconds = type(error).__name__, steps.total_seconds
        announce(TurnFailed(thread_id, str(client_msg_id), outcome, kind, seconds, steps.seconds))
        raise


async def _answer(message: Recorded, steps: Steps) -> Turn:
    if message.reply is not None:
        return _turn(message, message.reply, replayed=True)
    with steps.step("recall"):
        recalled = await recall(message)
    reply, is_ours = await in_database(compose_and_record, message, recalled, steps)
    if is_ours and message.uses_memory and base_mode() is not MemoryMode.OFF:
        with steps.step("nudge"):
            await nudge_mirror(message.client_msg_id)
    return _turn(message, reply, replayed=not is_ours)


async def recall(message: Recorded) -> Recalled:
    """Gather what is remembered. Never raises on account of Zep or Redis, and always has the local recent messages."""
    started = time.perf_counter()
    if (barred := _barred(message)) is not None:
        announce(TurnRemembered("excluded", time.perf_counter() - started))
        return Recalled(message.recent, None, barred)
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


def _barred(message: Recorded) -> Meta | None:
    """The trace of a turn for which Zep is not asked, whatever the guard says; None where it may be."""
    if not message.uses_memory:
        return OPTED_OUT
    return ERASING if message.is_seized and base_mode() is MemoryMode.READ_WRITE else None


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


def compose_and_record(message: Recorded, recalled: Recalled, steps: Steps) -> tuple[StoredReply, bool]:
    """Answer and store the answer. Where a duplicate of the request was faster, its answer stands (False).

    What an erasure, or opting out, forbade while it was read is in no answer: it is made anew without.
    """
    try:
        return _composed_and_recorded(message, recalled, steps)
    except ContextWithdrawn as withdrawn:
        without = Recalled(recalled.recent, None, OPTED_OUT if withdrawn.opted_out else ERASING)
        return _composed_and_recorded(message.without_zeps_words(), without, steps)


def _composed_and_recorded(message: Recorded, recalled: Recalled, steps: Steps) -> tuple[StoredReply, bool]:
    with steps.step("reply"):
        facts = recalled.context.facts if recalled.context else ()
        reply = compose(
            message.said, recent=recalled.recent, facts=facts, earlier=message.earlier, listings=StoredListings()
        )
    with steps.step("store_reply"):
        ids = {"user": str(message.client_msg_id), "assistant": str(message.reply_client_msg_id)}
        heard_zep = recalled.context is not None or bool(message.earlier and message.earlier.prose)
        trace = recalled.meta | {"client_ids": ids}
        return conversation.record_reply(message, reply, trace, heard_zep=heard_zep)


def _turn(message: Recorded, reply: StoredReply, *, replayed: bool) -> Turn:
    message_id = zep_message_id(message.thread_id, message.client_msg_id)
    return Turn(message.thread_id, message.client_msg_id, message_id, reply, replayed, len(message.recent))
