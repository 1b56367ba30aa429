"""What is mirrored in the measurement: threads with waiting messages, and turns at a steady rate.

The same messages for every system, in the same order: round robin over the threads, a user's message and the reply to
it one after the other, each text beginning with its number in its thread.
"""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from assistant.conversation import Recorded, ThreadRef, record, record_reply
from assistant.models import Message, MirrorState, Thread, User
from assistant.publishing import publish
from assistant.replies.values import Reply
from assistant.tasks import mirror_message

CHAT = (
    "a flat in Girne with two bedrooms and a balcony, furnished, near the university, under 700 pounds a month, free "
    "from September, where I can keep a dog; how far is it to the sea, and is there parking for a car"
)
WORDS_A_MESSAGE = 18
PERSONAL = ("call me on 0533 123 45 67", "write to ayse.yilmaz@example.com")
PERSONAL_SHARE = 0.1
LONG_AGO = timedelta(hours=1)
TURNS_AT_ONCE = 8


@dataclass(frozen=True)
class Said:
    """One message of a thread: `number` counts from 1."""

    thread_id: str
    number: int
    role: str
    text: str


def conversation(prefix: str, threads: int, messages: int) -> Iterator[Said]:
    """`messages` in all, over `threads` threads named `prefix`-0 and so on."""
    chance = random.Random(7)  # noqa: S311  # the same texts each time, no secret
    for number in range(1, messages // threads + 1, 2):
        for thread in range(threads):
            yield Said(f"{prefix}-{thread}", number, "user", text(chance, number))
            yield Said(f"{prefix}-{thread}", number + 1, "assistant", text(chance, number + 1))


def text(chance: random.Random, number: int) -> str:
    """A message that begins with its number; one of ten holds personal data."""
    words = chance.choices(CHAT.split(), k=WORDS_A_MESSAGE)
    if chance.random() < PERSONAL_SHARE:
        words.append(chance.choice(PERSONAL))
    return f"#{number} {' '.join(words)}"


def store_backlog(prefix: str, threads: int, messages: int) -> None:
    """Put the conversation into the tables as messages that wait for the mirror; nobody is told.

    In one transaction, as turns do it: a thread that is due and has no messages yet would be let go by the sweep.
    """
    with transaction.atomic():
        _insert_backlog(prefix, threads, messages)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum will have, in a database that has been there for a while


def _insert_backlog(prefix: str, threads: int, messages: int) -> None:
    owners = {f"{prefix}-{n}": User(username=f"{prefix}-{n}") for n in range(threads)}
    User.objects.bulk_create(owners.values())
    due = timezone.now() - LONG_AGO
    rows = [
        Thread(id=name, user=user, last_sequence=messages // threads, mirror_due_at=due)
        for name, user in owners.items()
    ]
    Thread.objects.bulk_create(rows)
    Message.objects.bulk_create(
        (
            Message(
                user=owners[said.thread_id],
                thread_id=said.thread_id,
                sequence=said.number,
                client_msg_id=uuid4(),
                role=said.role,
                text=said.text,
                created_at=due,
                mirror_state=MirrorState.PENDING,
            )
            for said in conversation(prefix, threads, messages)
        ),
        batch_size=1_000,
    )


class LiveTurns:
    """Turns of many threads at a steady rate, stored and published as a web process does it."""

    def __init__(self, prefix: str, threads: int) -> None:
        users = [User(username=f"{prefix}-{n}") for n in range(threads)]
        User.objects.bulk_create(users)
        self._threads = [ThreadRef(user, f"{prefix}-{n}") for n, user in enumerate(users)]

    def take(self, messages_a_second: float, seconds: float) -> float:
        """Take turns (two messages each) for so long; return the seconds it took."""
        pause, turns = 2 / messages_a_second, int(messages_a_second * seconds / 2)
        chance = random.Random(7)  # noqa: S311  # the same texts each time, no secret
        started = time.perf_counter()
        with ThreadPoolExecutor(TURNS_AT_ONCE) as pool:
            under_way = []
            for turn in range(turns):
                time.sleep(max(0.0, started + turn * pause - time.perf_counter()))
                number = 2 * (turn // len(self._threads)) + 1
                thread = self._threads[turn % len(self._threads)]
                under_way.append(pool.submit(_take, thread, text(chance, number), text(chance, number + 1)))
            for turn_taken in under_way:
                turn_taken.result()
        return time.perf_counter() - started

    def waiting(self) -> int:
        """How many of their messages have not reached Zep."""
        return self._messages().exclude(mirror_state=MirrorState.MIRRORED).count()

    def lags(self) -> list[float]:
        """Seconds from each message's storing to its acknowledgement."""
        times = self._messages().filter(mirrored_at__isnull=False).values_list("created_at", "mirrored_at")
        return [(mirrored - created).total_seconds() for created, mirrored in times if mirrored]

    def _messages(self) -> QuerySet[Message]:
        return Message.objects.filter(thread__in=[thread.thread_id for thread in self._threads if thread.thread_id])


def _take(thread: ThreadRef, said: str, answer: str) -> None:
    try:
        message: Recorded = record(thread, said, uuid4())
        record_reply(message, Reply(text=answer, agent="bench", rich=None), {})
        publish(mirror_message, str(message.client_msg_id))
    finally:
        connection.close()  # as after a request: the connection goes back to the pool
