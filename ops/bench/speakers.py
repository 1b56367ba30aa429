"""Users with tokens, and threads that hold an earlier message here and at Zep. Imports the product."""

import asyncio
from dataclasses import dataclass
from uuid import UUID, uuid4

import uvloop
from django.utils import timezone

from assistant import loops, tokens
from assistant.memory.redacted import RedactedText
from assistant.memory.zep_client import OutgoingMessage, zep
from assistant.models import Message, MirrorState, Thread, User
from ops.bench.web_load import Speaker

EARLIER = "I need a 2 bedroom flat in Girne, with parking, not far from the sea"
REPLY = "There are three flats with two bedrooms in Girne. What may it cost?"
AT_ONCE = 16


@dataclass(frozen=True)
class _Known:
    """A thread, and the earlier message's id."""

    thread_id: str
    memory_id: UUID
    said: UUID


def prepare(prefix: str, users: int, threads_each: int) -> list[Speaker]:
    """Store them, the messages mirrored already, so that a turn reads Zep for the thread and finds something."""
    people = [User(username=f"{prefix}-{number}") for number in range(users)]
    User.objects.bulk_create(people)
    names = {person.pk: [f"{prefix}-{person.pk}-{n}" for n in range(threads_each)] for person in people}
    known = [_Known(name, person.memory_id, uuid4()) for person in people for name in names[person.pk]]
    owners = {name: person for person in people for name in names[person.pk]}
    now = timezone.now()
    Thread.objects.bulk_create(
        Thread(id=one.thread_id, user=owners[one.thread_id], last_sequence=1, known_to_zep_at=now) for one in known
    )
    Message.objects.bulk_create(_row(one, owners[one.thread_id]) for one in known)
    uvloop.run(_tell_zep(known))
    return [Speaker(tokens.issue(person), names[person.pk]) for person in people]


def _row(known: _Known, owner: User) -> Message:
    return Message(
        user=owner,
        thread_id=known.thread_id,
        sequence=1,
        client_msg_id=known.said,
        role=Message.Role.USER,
        text=EARLIER,
        mirror_state=MirrorState.MIRRORED,
        mirrored_at=timezone.now(),
    )


async def _tell_zep(known: list[_Known]) -> None:
    turnstile = asyncio.Semaphore(AT_ONCE)

    async def tell(one: _Known) -> None:
        async with turnstile:
            await zep().ensure_thread(one.thread_id, one.memory_id)
            said = OutgoingMessage(uuid4(), "user", RedactedText(EARLIER), one.said)
            answered = OutgoingMessage(uuid4(), "assistant", RedactedText(REPLY), one.said)
            await zep().add_messages(one.thread_id, [said, answered])

    for memory_id in {one.memory_id for one in known}:
        await zep().ensure_user(memory_id)
    await asyncio.gather(*(tell(one) for one in known))
    await loops.aclose()
