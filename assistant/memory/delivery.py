"""Delivering one batch of a leased thread to Zep: what may have arrived is read back before anything is sent again.

Knows Zep's ways (whole-batch refusal, ids that exist already) and the order of commit, call, acknowledgement. Decisions
about failures are `verdicts`'. Raises `Interrupted` where the thread cannot go on now.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from django.utils import timezone

from assistant import loops
from assistant.errors import EasyIslandersError
from assistant.events import MessageBuried, MessagesMirrored, announce
from assistant.memory import outbox, outgoing
from assistant.memory.errors import ZepDuplicate, ZepRejected, ZepUnavailable
from assistant.memory.outbox import Lease
from assistant.memory.verdicts import GiveUp, after_refusal
from assistant.memory.zep_client import MESSAGES_PER_CALL, OutgoingMessage, zep
from assistant.models import Message, MirrorState

T = TypeVar("T")
CALLS_AT_ONCE = 10  # of those about one message each
ROWS_PER_QUESTION = 10  # then the lease is renewed: even with four parts each they take less than half of it
REFUSED_ASIDE_SECONDS = 30.0


class Interrupted(EasyIslandersError):
    """The thread cannot go on now. `again_in`: seconds until its first message is tried again.

    `error`: what Zep's failure was, None where the message itself is being retried. `rows`: what has not arrived, in
    order. `mirrored`: how many of the batch had arrived by then.
    """

    def __init__(
        self,
        again_in: float,
        *,
        error: ZepUnavailable | None = None,
        rows: Sequence[Message] = (),
        mirrored: int = 0,
    ) -> None:
        super().__init__(f"again in {again_in} s")
        self.again_in, self.error, self.rows, self.mirrored = again_in, error, rows, mirrored


class Delivery:
    """One batch under way. Every method leaves the rows in a state from which a successor can go on.

    `lease` is what the next batch goes on with: it knows by then that Zep has user and session.
    """

    def __init__(self, lease: Lease, rows: Sequence[Message]) -> None:
        self.lease, self._rows = lease, list(rows)
        self._started = time.perf_counter()
        self.mirrored = 0

    def run(self) -> int:
        """Deliver the batch; return how many messages are mirrored by it. Raise Interrupted or LeaseLost."""
        try:
            if not self.lease.known_to_zep:
                self._introduce()
            self._settle_what_is_in_flight()
            for run in outgoing.within_limits(self._prepared()):
                self._send(run)
        except ZepUnavailable as error:
            left = [row for row in self._rows if row.mirror_state in (MirrorState.PENDING, MirrorState.IN_FLIGHT)]
            outbox.put_back(self.lease, left, error.reason)
            raise Interrupted(0.0, error=error, rows=left, mirrored=self.mirrored) from None
        except ZepRejected as error:  # not the messages: ensuring the session, or a read-back. No message is to blame
            outbox.put_back(self.lease, self._rows, error.reason)
            raise Interrupted(REFUSED_ASIDE_SECONDS, rows=self._rows, mirrored=self.mirrored) from None
        return self.mirrored

    def _introduce(self) -> None:
        """Ensure user and session: Community Edition would make a session without its user from the first message."""
        loops.run(_ensure_at_zep(self.lease.thread_id, self.lease.memory_id))
        self.lease = outbox.mark_known_to_zep(self.lease)

    def _settle_what_is_in_flight(self) -> None:
        """An earlier try's outcome is not known: ask Zep which of its messages it has."""
        unknown = [row for row in self._rows if row.mirror_state == MirrorState.IN_FLIGHT]
        for at in range(0, len(unknown), ROWS_PER_QUESTION):
            outbox.renew(self.lease)
            asked = unknown[at : at + ROWS_PER_QUESTION]
            missing = self._missing(asked)
            self._acknowledge([row for row in asked if not missing[row.pk]])

    def _prepared(self) -> list[Message]:
        """Redact, commit what is about to be sent, return it. A row that cannot be redacted is held; it ends them."""
        ready: list[Message] = []
        for row in self._rows:
            if row.mirror_state not in (MirrorState.PENDING, MirrorState.IN_FLIGHT):
                continue
            if not row.outgoing_parts and not outgoing.redact_into(row):
                outbox.hold(self.lease, row, "redaction_failed")
                row.mirror_state = MirrorState.HELD
                break
            ready.append(row)
        if ready:
            outbox.save_prepared(self.lease, ready)
        for row in ready:
            row.mirror_state, row.mirror_attempts = MirrorState.IN_FLIGHT, row.mirror_attempts + 1
        return ready

    def _send(self, rows: list[Message]) -> None:
        try:
            self._add([message for row in rows for message in outgoing.messages_of(row)])
        except ZepRejected:
            self._send_one_by_one(rows)
        else:
            self._acknowledge(rows)

    def _send_one_by_one(self, rows: Sequence[Message]) -> None:
        """Zep refused the batch: one of it is there already, or one of it is bad. Find out which."""
        for row in rows:
            outbox.renew(self.lease)
            missing = self._missing([row])[row.pk]
            try:
                if missing:
                    self._add(missing)
            except ZepDuplicate:
                self._settle_duplicate(row)
            except ZepRejected as error:
                self._refused(row, error)
            else:
                self._acknowledge([row])

    def _settle_duplicate(self, row: Message) -> None:
        """Zep knows an id that it did not show just now: an earlier call came through late, or it was deleted there."""
        if self._missing([row])[row.pk]:
            self._bury(row, "remote_deleted")
        else:
            self._acknowledge([row])

    def _refused(self, row: Message, error: ZepRejected) -> None:
        refusals = outbox.note_refusal(self.lease, row, error.reason)
        decision = after_refusal(error.reason, refusals)
        if isinstance(decision, GiveUp):
            self._bury(row, decision.kind)
            return
        raise Interrupted(decision.after_seconds, rows=[row], mirrored=self.mirrored)

    def _bury(self, row: Message, kind: str) -> None:
        outbox.bury(self.lease, row, kind)
        row.mirror_state = MirrorState.DEAD
        announce(MessageBuried(self.lease.thread_id, str(row.client_msg_id), kind))

    def _missing(self, rows: Sequence[Message]) -> dict[int, list[OutgoingMessage]]:
        """For each row, which of its parts Zep does not have. Our id with another text there makes it a dead letter."""
        messages = {row.pk: outgoing.messages_of(row) for row in rows}
        uuids = [message.uuid for row in rows for message in messages[row.pk]]
        held = dict(zip(uuids, loops.run(_texts_at_zep(self.lease.thread_id, uuids)), strict=True)) if uuids else {}
        for row in rows:
            if any(held[message.uuid] not in (None, message.text.text) for message in messages[row.pk]):
                self._bury(row, "conflict")
        self._mark_late([m.uuid for row in rows for m in messages[row.pk] if m.is_late and held[m.uuid] == m.text.text])
        return {row.pk: [m for m in messages[row.pk] if held[m.uuid] is None] for row in rows}

    def _mark_late(self, uuids: Sequence[UUID]) -> None:
        """Replayed ones that are there already: a call from before the replay may have brought them, without a mark."""
        if uuids:
            outbox.renew(self.lease)
            loops.run(_mark_late_at_zep(self.lease.thread_id, uuids))

    def _add(self, messages: Sequence[OutgoingMessage]) -> None:
        async def add() -> None:
            for first in range(0, len(messages), MESSAGES_PER_CALL):
                await zep().add_messages(self.lease.thread_id, messages[first : first + MESSAGES_PER_CALL])

        loops.run(add())

    def _acknowledge(self, rows: Sequence[Message]) -> None:
        rows = [row for row in rows if row.mirror_state != MirrorState.DEAD]
        if not rows:
            return
        now = timezone.now()
        outbox.acknowledge(self.lease, rows, now)
        redactions: Counter[str] = Counter()
        for row in rows:
            row.mirror_state = MirrorState.MIRRORED
            redactions.update(row.redactions or {})
        self.mirrored += len(rows)
        lags = tuple((now - row.created_at).total_seconds() for row in rows)
        seconds = time.perf_counter() - self._started
        announce(MessagesMirrored(self.lease.thread_id, lags, dict(redactions), seconds))


async def _ensure_at_zep(thread_id: str, memory_id: UUID) -> None:
    await zep().ensure_user(memory_id)
    await zep().ensure_thread(thread_id, memory_id)


async def _texts_at_zep(thread_id: str, uuids: Sequence[UUID]) -> list[str | None]:
    """The text that Zep has under each id, None where it has none."""
    return await _for_each(uuids, lambda uuid: zep().read_back(thread_id, uuid))


async def _mark_late_at_zep(thread_id: str, uuids: Sequence[UUID]) -> None:
    await _for_each(uuids, lambda uuid: zep().mark_late(thread_id, uuid))


async def _for_each(uuids: Sequence[UUID], call: Callable[[UUID], Awaitable[T]]) -> list[T]:
    """What the call says of each id; a few at a time."""
    at_once = asyncio.Semaphore(CALLS_AT_ONCE)

    async def limited(uuid: UUID) -> T:
        async with at_once:
            return await call(uuid)

    return list(await asyncio.gather(*(limited(uuid) for uuid in uuids)))
