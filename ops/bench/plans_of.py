"""The product's statements, as it sends them, and PostgreSQL's plans for them. Imports the product: see `plans`."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from assistant.archive import archiving, left_over, retention, threads
from assistant.conversation import ThreadRef, record
from assistant.memory import backfill, dead_letters, outbox
from assistant.memory.dead_letters import Filter
from assistant.models import Message
from ops.bench.plans_rows import fill

__all__ = ["Plan", "explained", "fill"]

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]
Statement = tuple[str, Any]

SEQUENTIAL = re.compile(r"Seq Scan on (assistant_message|assistant_thread)\b")
TIME = re.compile(r"Execution Time: ([\d.]+) ms")
BUFFERS = re.compile(r"^ *Buffers: .*", re.MULTILINE)  # the first is of the whole statement
PAGES = re.compile(r"(?:hit|read)=(\d+)")
PAGES_MAX = 20_000
EXPLAINABLE = ("INSERT", "UPDATE", "DELETE", "SELECT")
BATCH, LISTED = 30, 100


@dataclass(frozen=True)
class Plan:
    """One statement's plan. `question`: what the product asked."""

    question: str
    sql: str
    plan: str

    @property
    def reads_whole_table(self) -> bool:
        """Whether it scans the messages or threads, or so many pages that it must read an index from end to end.

        How much waits decides about a few thousand pages; an index of all messages has tens of thousands.
        """
        return bool(SEQUENTIAL.search(self.plan)) or self.pages > PAGES_MAX

    @property
    def pages(self) -> int:
        """Pages of 8 KiB that the statement looked at, its parts included."""
        found = BUFFERS.search(self.plan)
        return sum(int(number) for number in PAGES.findall(found[0])) if found else 0

    @property
    def milliseconds(self) -> float:
        found = TIME.search(self.plan)
        return float(found[1]) if found else 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "reads_whole_table": self.reads_whole_table,
            "pages": self.pages,
            "milliseconds": self.milliseconds,
        }

    def as_text(self) -> str:
        mark = "READS A WHOLE TABLE OR INDEX" if self.reads_whole_table else "ok"
        return f"== {self.question}: {mark}, {self.milliseconds} ms, {self.pages} pages\n{self.sql}\n\n{self.plan}\n"


def explained() -> list[Plan]:
    """The plans of all statements behind the questions. Nothing that they change stays."""
    return [Plan(name, sql, _plan(sql, params)) for name, ask in _questions().items() for sql, params in _sent_by(ask)]


def _questions() -> dict[str, Callable[[], object]]:
    waiting = outbox.waiting_threads(timedelta(0), 1)[0]
    known = Message.objects.filter(thread_id=waiting, role="user").order_by("sequence").select_related("user")[0]
    thread = ThreadRef(known.user, waiting)
    return {
        "sweep: threads that wait": lambda: outbox.waiting_threads(timedelta(seconds=5), 20),
        "take_lease": lambda: outbox.take_lease(waiting),
        "waiting_messages": lambda: outbox.waiting_messages(waiting, BATCH),
        "backlog: count and oldest": outbox.backlog,
        "dead letters: list": lambda: list(dead_letters.find(Filter())[:LISTED]),
        "dead letters: of a thread": lambda: list(dead_letters.find(Filter(thread_id=waiting))[:LISTED]),
        "dead letters: of a kind": lambda: list(dead_letters.find(Filter(reason="http_400"))[:LISTED]),
        "dead letters: count": dead_letters.count,
        "nudge: threads_of": lambda: outbox.threads_of(known.client_msg_id),
        "backfill: held": backfill.held,
        "backfill: let one thread go": lambda: next(backfill.let_go("bench", 1)),
        "archive: due threads": lambda: threads.due_threads(timezone.now(), 50),
        "archive: one thread": lambda: archiving.archive_thread(threads.due_threads(timezone.now(), 1)[0]),
        "archive: left over": lambda: list(left_over.found(timezone.now())[:LISTED]),
        "archive: whose time is over": lambda: list(retention.over(timezone.now(), 30)[:LISTED]),
        "turn: found, with its reply": lambda: record(thread, known.text, known.client_msg_id),
        "turn: stored, with recent messages": lambda: record(thread, "something new", uuid4()),
    }


def _sent_by(ask: Callable[[], object]) -> list[Statement]:
    """The statements that a call sends, in order; what it changed is rolled back."""
    sent: list[Statement] = []

    def note(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith(EXPLAINABLE):
            sent.append((sql, params))
        return execute(sql, params, many, context)

    with _undone(), connection.execute_wrapper(note):
        ask()
    return sent


def _plan(sql: str, params: Any) -> str:
    with _undone(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


@contextmanager
def _undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
