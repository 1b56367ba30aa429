"""The product inside a drill: somebody who talks to it over its HTTP door, its worker, its metrics, its operator.

Import it when the product is set up. Everything here calls the product; nothing does its work for it.
"""

import io
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from celery.worker.worker import WorkController
from django.conf import settings
from django.core.management import call_command
from prometheus_client.parser import text_string_to_metric_families

from assistant import events, loops, tokens
from assistant.events import Event, ZepWriteAttempted
from assistant.memory import guard, recovery
from assistant.memory.guard import ForcedMode, GuardState
from assistant.memory.service import fetch_thread_context, invalidate_context
from assistant.models import WAITING_STATES, Message, MirrorState, Thread, User
from assistant.monitoring.exposition import exposition
from assistant.monitoring.logs import json_formatter
from easy_islanders.asgi import application
from easy_islanders.celery import app
from ops.drills.isolation import Servers
from ops.drills.steps import LATER, SOON, Steps, percentile
from ops.waiting import wait_until
from workers.sweep import sweep

SAID = "need a 2 bedroom in girne under 700 gbp"
OPERATOR = "drill"
OK = 200
SLOTS = 8
MORE_TURNS = 10
PATIENT_MS = 10_000
SWEEP_SECONDS = 2.0

Samples = dict[str, float]


@dataclass(frozen=True)
class Answer:
    """What a turn came to. `memory`: its trace."""

    status: int
    thread_id: str
    client_msg_id: str
    memory: dict[str, Any]
    seconds: float

    @property
    def is_answered(self) -> bool:
        return self.status == OK


@dataclass
class World:
    """One user, whose turns go through everything that stands before a turn in production."""

    servers: Servers
    steps: Steps
    heard: list[Event] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._swept_at = time.monotonic()
        user = User.objects.create_user(f"drill-{uuid4().hex}")
        transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {tokens.issue(user)}"}
        self._http = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)
        events.subscribe(self.heard.append)
        logging.getLogger().addHandler(_Kept(self.logged))
        recovery.keep_state()  # as the control worker does when it starts

    # Turns

    def say(self, thread_id: str = "", message: str = SAID) -> Answer:
        """One turn, in a new thread where none is named."""
        body = {"message": message} | ({"thread_id": thread_id} if thread_id else {})
        started = time.perf_counter()
        response = loops.run(self._http.post("/api/chat/", json=body))
        seconds = time.perf_counter() - started
        if response.status_code != OK:
            return Answer(response.status_code, thread_id, "", {}, seconds)
        told = response.json()
        return Answer(OK, told["thread_id"], told["client_msg_id"], told["trace"]["memory"], seconds)

    def source(self, thread_id: str = "") -> str:
        """What a turn's trace says of where its memory came from."""
        answer = self.say(thread_id)
        return str(answer.memory.get("source", f"status {answer.status}"))

    def read_patiently(self) -> str:
        """A read that is given ten seconds; its source. The first of a process has more to do than read."""
        return str(fetch_thread_context(f"drill-{uuid4().hex}", timeout_ms=PATIENT_MS)[1]["source"])

    # Zep

    def reads_at_zep(self, after: int) -> int:
        """How often Zep was asked for anything that a turn reads."""
        return sum(is_read(entry) for entry in self.servers.standin.log(after))

    def write_seconds(self) -> list[float]:
        return [event.seconds for event in self.heard if isinstance(event, ZepWriteAttempted)]

    def expect_all_mirrored(self, name: str = "Every message reaches Zep", *, within: float = SOON) -> None:
        """Wait until no row waits; then Zep holds every thread's rows, each once, in their order.

        Threads whose messages were said while writing was off are not meant: those are held, until a backfill.
        """
        self.steps.same(name, "0 waiting, 0 dead letters", self._waiting, within=within)
        wrong, threads = "Threads whose messages are not at Zep, each once and in order", Thread.objects.all()
        mirrored = threads.filter(holds_messages=False)
        self.steps.same(wrong, 0, lambda: sum(not self._is_at_zep(thread) for thread in mirrored))

    def wait_until_mirrored(self) -> None:
        wait_until(lambda: self._waiting().startswith("0 "), "all messages to reach Zep", seconds=SOON)

    def _waiting(self) -> str:
        """Asked over and over: now and then, as beat does, the sweep looks for what lost its nudge."""
        if time.monotonic() - self._swept_at > SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            sweep()
        waiting = Message.objects.filter(mirror_state__in=WAITING_STATES).count()
        return f"{waiting} waiting, {Message.objects.filter(mirror_state=MirrorState.DEAD).count()} dead letters"

    def _is_at_zep(self, thread: Thread) -> bool:
        rows = [str(each) for each in thread.messages.order_by("sequence").values_list("client_msg_id", flat=True)]
        held = self.servers.standin.thread(thread.pk).messages
        return rows == [(message.get("metadata") or {}).get("client_msg_id") for message in held]

    def expect_fast_writes(self) -> None:
        """The roll-out's numbers for writes."""
        samples = self.samples()
        attempts, failures = total(samples, "write_attempts_total"), total(samples, "write_failures_total")
        self.steps.above("Writes that succeed", 99, lambda: 100 * (1 - failures / max(attempts, 1)))
        p95s = self._write_p95s()
        self.steps.below("Write p95", 150, lambda: next(p95s), within=LATER)

    def _write_p95s(self) -> Iterator[float]:
        """Of all writes so far, in ms; then of those of further turns, for as long as anybody asks."""
        while True:
            yield 1000 * percentile(self.write_seconds())
            self.heard.clear()
            for _ in range(MORE_TURNS):
                self.say()
            self.wait_until_mirrored()

    # Guard

    @property
    def state(self) -> GuardState:
        return loops.run(guard.read_state())

    @property
    def forced(self) -> ForcedMode | None:
        return self.state.forced

    def reason(self) -> str:
        """Why reads are off; `none` where they are not."""
        return self.forced.reason if self.forced else "none"

    def tick(self) -> str:
        """What beat has the control worker do; the probe's outcome."""
        return recovery.tick()

    def forget(self, thread_id: str) -> None:
        """What an operator does to a thread's cached context."""
        invalidate_context(thread_id)

    def command(self, name: str, *arguments: str) -> Any:
        """What a command prints as JSON."""
        out = io.StringIO()
        call_command(name, *arguments, "--json", stdout=out)
        return json.loads(out.getvalue())

    def steer(self, *arguments: str) -> Any:
        return self.command("zep_mode", *arguments, "--operator", OPERATOR)

    # Metrics

    def samples(self) -> Samples:
        """What a scrape gives."""
        return parsed(exposition().decode())

    def sample(self, name: str) -> float:
        return self.samples().get(name, -1)

    # Settings and processes

    @contextmanager
    def flags(self, *, read: bool, write: bool) -> Iterator[None]:
        """The same process under other flags: the product asks for them each time."""
        before = settings.FLAG_ZEP_READ, settings.FLAG_ZEP_WRITE
        settings.FLAG_ZEP_READ, settings.FLAG_ZEP_WRITE = read, write
        try:
            yield
        finally:
            settings.FLAG_ZEP_READ, settings.FLAG_ZEP_WRITE = before

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A Celery worker on the mirror's queue, in a thread of this process, so that it counts into its metrics."""
        controller = WorkController(
            app=app,
            hostname="drill@localhost",
            pool_cls="threads",
            concurrency=SLOTS,
            queues=["mirror"],
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        thread = threading.Thread(target=controller.start, name="drill-worker", daemon=True)
        thread.start()
        try:
            yield
        finally:
            controller.stop()


class _Kept(logging.Handler):
    """Keeps every line as it is written elsewhere."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines
        self.setFormatter(json_formatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


def is_read(entry: dict[str, Any]) -> bool:
    """Whether a log entry of Zep is a read of context: a thread's memory, or a search."""
    path = str(entry["path"])
    return (entry["method"] == "GET" and path.endswith("/memory")) or path.endswith("/sessions/search")


def parsed(text: str) -> Samples:
    """Every sample by `name{label="value",…}`, labels in alphabetical order."""
    families = text_string_to_metric_families(text)
    return {named(each.name, each.labels): each.value for family in families for each in family.samples}


def named(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


def total(samples: Samples, name: str) -> float:
    """The sum over all labels of a metric of the memory."""
    return sum(value for key, value in samples.items() if key.startswith(f"memory_zep_{name}"))
