"""Bringing a thread's waiting messages to Zep: in order, exactly once, redacted.

Knows the order of steps. What is sent is committed before it is sent; what may have arrived is read back before
anything is sent again. Knows nothing of Celery; rows are `outbox`'s, HTTP is `zep_client`'s.
"""

import hashlib
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from assistant import loops
from assistant.errors import EasyIslandersError
from assistant.events import MessagesMirrored, MirrorPaused, announce
from assistant.memory import outbox
from assistant.memory.errors import ZepRateLimited, ZepRejected, ZepRequestError, ZepUnauthorized, ZepUnavailable
from assistant.memory.outbox import Lease
from assistant.memory.redacted import RedactedText
from assistant.memory.service import refresh_context
from assistant.memory.zep_client import MESSAGE_MAX_CHARACTERS, MESSAGES_PER_CALL, OutgoingMessage, zep
from assistant.models import Message, MirrorState, zep_message_id

BATCHES_PER_TURN = 5  # then the thread queues again, so that a long one does not keep others waiting
RETRY_FIRST_SECONDS = 5.0
RETRY_MAX_SECONDS = 300.0


class _Paused(EasyIslandersError):
    """The thread cannot go on now; its rows say when it may."""


def drain_thread_of(client_msg_id: UUID) -> bool:
    """Mirror what waits in the message's thread. Return whether more waits that may go at once.

    Safe to run twice, together, or for a message that went long ago.
    """
    more = [drain(thread_id) for thread_id in outbox.threads_of(client_msg_id)]
    return any(more)


def drain(thread_id: str) -> bool:
    """Mirror up to five batches of the thread. Return whether more waits that may go at once."""
    if not outbox.has_due(thread_id):
        return False
    lease = outbox.take_lease(thread_id)
    if lease is None:  # its holder looks again after releasing
        return False
    acknowledged = False
    try:
        for _ in range(BATCHES_PER_TURN):
            rows = outbox.next_batch(thread_id, MESSAGES_PER_CALL)
            if not rows:
                break
            _mirror(lease, rows)
            acknowledged = True
    except outbox.LeaseLost:
        return False
    except _Paused as pause:
        announce(MirrorPaused(thread_id, str(pause)))
        return False
    finally:
        outbox.release(lease)
        if acknowledged:
            loops.run(refresh_context(thread_id))
    return outbox.has_due(thread_id)


def _mirror(lease: Lease, rows: list[Message]) -> None:
    """Mirror one batch, or raise _Paused with its rows put off."""
    started = time.perf_counter()
    try:
        if not lease.known_to_zep:
            _introduce(lease)
        arrived = _arrived_before(lease, rows)
        _acknowledge(lease, arrived, started)
        _send(lease, [row for row in rows if row not in arrived], started)
    except ZepUnavailable as error:
        _put_off(lease, [row for row in rows if row.mirror_state != MirrorState.MIRRORED], error)
        raise _Paused(error.reason) from None


def _introduce(lease: Lease) -> None:
    """Ensure user and session: Community Edition would make a session without its user from the first message."""
    loops.run(_ensure_at_zep(lease.thread_id, lease.memory_id))
    outbox.mark_known_to_zep(lease)


async def _ensure_at_zep(thread_id: str, memory_id: UUID) -> None:
    await zep().ensure_user(memory_id)
    await zep().ensure_thread(thread_id, memory_id)


def _arrived_before(lease: Lease, rows: Sequence[Message]) -> list[Message]:
    """Those in flight from an earlier try that Zep turns out to hold, in every part."""
    return [row for row in rows if row.mirror_state == MirrorState.IN_FLIGHT and not _missing(lease, _outgoing(row))]


def _missing(lease: Lease, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
    async def look() -> list[OutgoingMessage]:
        return [m for m in messages if not await zep().read_back(lease.thread_id, m.uuid)]

    return loops.run(look())


def _send(lease: Lease, rows: list[Message], started: float) -> None:
    ready = _prepare(lease, rows)
    for batch in _within_limits(ready):
        try:
            _add(lease, [message for row in batch for message in _outgoing(row)])
        except ZepRejected:
            _send_one_by_one(lease, batch, started)
        else:
            _acknowledge(lease, batch, started)


def _send_one_by_one(lease: Lease, rows: Sequence[Message], started: float) -> None:
    """Zep refused the batch: one of it is there already, or one of it is bad. Find out which, a message at a time."""
    for row in rows:
        try:
            missing = _missing(lease, _outgoing(row))
            if missing:
                _add(lease, missing)
        except ZepRejected as error:
            outbox.set_aside(lease, [row], MirrorState.DEAD, error.reason)
        else:
            _acknowledge(lease, [row], started)


def _add(lease: Lease, messages: Sequence[OutgoingMessage]) -> None:
    async def add() -> None:
        for first in range(0, len(messages), MESSAGES_PER_CALL):
            await zep().add_messages(lease.thread_id, messages[first : first + MESSAGES_PER_CALL])

    loops.run(add())


def _prepare(lease: Lease, rows: Sequence[Message]) -> list[Message]:
    """Redact, commit what is about to be sent, and return it. A row that cannot be redacted is held; it ends them."""
    ready: list[Message] = []
    for row in rows:
        if not row.outgoing_parts and not _redact(row):
            outbox.set_aside(lease, [row], MirrorState.HELD, "redaction_failed")
            break
        row.mirror_state = MirrorState.IN_FLIGHT
        row.mirror_attempts += 1
        ready.append(row)
    if ready:
        outbox.save_prepared(lease, ready)
    return ready


def _redact(row: Message) -> bool:
    """Fill in the row's redacted parts. False where redaction failed: then nothing of it may be sent."""
    try:
        redacted = RedactedText(row.text)
    except Exception:  # noqa: BLE001  # whatever breaks in redaction, the message stays here; its text is not logged
        return False
    row.outgoing_parts = _parts(redacted.text)
    row.redactions = dict(redacted.counts)
    row.outgoing_sha256 = hashlib.sha256(redacted.text.encode()).hexdigest()
    return True


def _parts(text: str) -> list[str]:
    return [text[at : at + MESSAGE_MAX_CHARACTERS] for at in range(0, len(text), MESSAGE_MAX_CHARACTERS)]


def _outgoing(row: Message) -> list[OutgoingMessage]:
    parts: list[str] = row.outgoing_parts or []
    return [
        OutgoingMessage(
            uuid=zep_message_id(row.thread_id, row.client_msg_id, part),
            role=row.role,
            text=RedactedText.from_outbox(text),
            client_msg_id=row.client_msg_id,
            part=part,
            parts=len(parts),
        )
        for part, text in enumerate(parts, start=1)
    ]


def _within_limits(rows: Sequence[Message]) -> Iterator[list[Message]]:
    """Cut the rows into runs of at most 30 outgoing messages; a row's parts stay together."""
    run: list[Message] = []
    size = 0
    for row in rows:
        parts = len(row.outgoing_parts or [])
        if run and size + parts > MESSAGES_PER_CALL:
            yield run
            run, size = [], 0
        run.append(row)
        size += parts
    if run:
        yield run


def _acknowledge(lease: Lease, rows: Sequence[Message], started: float) -> None:
    if not rows:
        return
    now = timezone.now()
    outbox.acknowledge(lease, rows, now)
    redactions: Counter[str] = Counter()
    for row in rows:
        row.mirror_state = MirrorState.MIRRORED
        redactions.update(row.redactions or {})
    lags = tuple((now - row.created_at).total_seconds() for row in rows)
    announce(MessagesMirrored(lease.thread_id, lags, dict(redactions), time.perf_counter() - started))


def _put_off(lease: Lease, rows: Sequence[Message], error: ZepRequestError) -> None:
    attempts = max((row.mirror_attempts for row in rows), default=0)
    wait = error.retry_after or min(RETRY_FIRST_SECONDS * 2**attempts, RETRY_MAX_SECONDS)
    due_at = timezone.now() + timedelta(seconds=wait * random.uniform(0.9, 1.1))  # noqa: S311  # jitter, not a secret
    in_flight = [row for row in rows if row.mirror_state == MirrorState.IN_FLIGHT]
    never_sent = [row for row in rows if row.mirror_state == MirrorState.PENDING]
    maybe_stored = not isinstance(error, ZepUnauthorized | ZepRateLimited)
    outbox.put_off(lease, in_flight, error.reason, due_at, maybe_stored=maybe_stored)
    outbox.put_off(lease, never_sent, error.reason, due_at, maybe_stored=False)
