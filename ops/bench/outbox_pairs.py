"""Messages stored with the outbox and without it, by turns. Imports the product: see `outbox_cost`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, NamedTuple
from uuid import uuid4

from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

from assistant import conversation
from assistant.models import Message, MirrorState, Thread, User
from ops.bench.rig import percentile

THREADS = 50
WARM_UP_PAIRS = 100
TEXT = "Do you have a two bedroom flat near the sea in Girne, furnished, under 700 pounds a month, from September?"


class Cost(NamedTuple):
    """Milliseconds of one transaction: as a clock sees it, and on a CPU."""

    wall: float
    cpu: float


class PlainThread(models.Model):
    """A thread as it would be if nothing had to reach Zep."""

    id = models.CharField(primary_key=True, max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    last_sequence = models.BigIntegerField(default=0)

    class Meta:
        app_label = "bench"

    def __str__(self) -> str:
        return self.id


class PlainMessage(models.Model):
    """A message without its outbox entry; its other columns, constraints and indexes are the product's."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    thread = models.ForeignKey(PlainThread, on_delete=models.CASCADE, related_name="+")
    sequence = models.BigIntegerField()
    client_msg_id = models.UUIDField()
    role = models.CharField(max_length=9)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    agent = models.CharField(max_length=32, blank=True, default="")
    rich = models.JSONField(null=True, blank=True)
    memory_trace = models.JSONField(null=True, blank=True)

    class Meta:
        app_label = "bench"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "client_msg_id"], name="plain_per_client_msg_id"),
            models.UniqueConstraint(fields=["thread", "sequence"], name="plain_per_place"),
        ]

    def __str__(self) -> str:
        return str(self.client_msg_id)


def measure(pairs: int) -> dict[str, float]:
    """Medians of both transactions, and of what one takes longer than the other, in milliseconds.

    Beside them the mean time on a CPU, ours and PostgreSQL's: it says the same on a busy machine.
    """
    user = _set_up()
    with_outbox: list[Cost] = []
    without: list[Cost] = []
    backend = _backend_pid()
    for number in range(WARM_UP_PAIRS + pairs):
        thread = f"thread-{number % THREADS}"
        transactions: list[tuple[Callable[[str, User], None], list[Cost]]] = [
            (_store, with_outbox),
            (_store_plainly, without),
        ]
        for store, times in transactions if number % 2 else reversed(transactions):
            times.append(_cost(store, thread, user, backend))
        _mirrored(thread)
    kinds = [costs[WARM_UP_PAIRS:] for costs in (with_outbox, without)]
    p50 = [percentile([cost.wall for cost in costs], 0.5) for costs in kinds]
    cpu = [sum(cost.cpu for cost in costs) / len(costs) for costs in kinds]
    return {
        "with_outbox_p50_ms": p50[0],
        "without_p50_ms": p50[1],
        "added_p50_ms": p50[0] - p50[1],
        "with_outbox_cpu_ms": cpu[0],
        "without_cpu_ms": cpu[1],
        "added_cpu_ms": cpu[0] - cpu[1],
    }


def _set_up() -> User:
    with connection.schema_editor() as editor:
        editor.create_model(PlainThread)
        editor.create_model(PlainMessage)
    user = User.objects.create(username="bench")
    for kind in (Thread, PlainThread):
        for number in range(THREADS):
            kind(id=f"thread-{number}", user=user).save(force_insert=True)
    return user


def _cost(store: Callable[[str, User], None], thread: str, user: User, backend: int) -> Cost:
    on_cpu, started = time.thread_time() + _backend_seconds(backend), time.perf_counter()
    store(thread, user)
    wall = time.perf_counter() - started
    return Cost(wall * 1000, (time.thread_time() + _backend_seconds(backend) - on_cpu) * 1000)


def _backend_pid() -> int:
    """The server process that serves this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _backend_seconds(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def _store(thread: str, user: User) -> None:
    with transaction.atomic():
        conversation._append(thread, user_id=user.pk, client_msg_id=uuid4(), role="user", text=TEXT)


def _store_plainly(thread: str, user: User) -> None:
    with transaction.atomic():
        PlainThread._default_manager.filter(pk=thread).update(last_sequence=F("last_sequence") + 1)
        sequence = PlainThread._default_manager.values_list("last_sequence", flat=True).get(pk=thread)
        PlainMessage._default_manager.create(
            thread_id=thread, user_id=user.pk, client_msg_id=uuid4(), role="user", text=TEXT, sequence=sequence
        )


def _mirrored(thread: str) -> None:
    """What the mirror does in between, untimed: so every message finds a thread in which nothing waits."""
    Message.objects.filter(thread=thread, mirror_state=MirrorState.PENDING).update(mirror_state=MirrorState.MIRRORED)
    Thread.objects.filter(pk=thread).update(mirror_due_at=None)
