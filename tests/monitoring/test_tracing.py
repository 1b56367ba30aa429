"""One trace from a request through the mirror's task to Zep, without a word about anybody; off, nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.contrib.testing.worker import start_worker
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from assistant import tracing
from assistant.monitoring import tracing as monitoring_tracing
from easy_islanders.celery import app
from ops.waiting import wait_until
from ops.zep_standin.process import StandIn
from tests.support.chatting import ChatClient
from tests.support.environment import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
MIRROR = "assistant.tasks.mirror_message"
STEPS = ["store", "recall", "reply", "store_reply", "nudge"]
ATTRIBUTES = {"correlation_id", "http.response.status_code", "outcome", "error.type"}
SAID = "I need a 2 bedroom, canary.kuslar@example.com"
EXPORTED = {"OTEL_ENABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    provider = monitoring_tracing.start(SimpleSpanProcessor(kept))
    yield kept
    tracing.install(None)
    provider.shutdown()


@pytest.fixture
def worker(redis_server: object, standin: StandIn) -> Iterator[None]:
    """A real worker on the real broker, in a thread of this process: its spans come to the same exporter."""
    with start_worker(
        app, pool="threads", concurrency=2, queues=["mirror"], perform_ping_check=False, loglevel="ERROR"
    ):
        yield


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def parent_of(exporter: InMemorySpanExporter, span: ReadableSpan) -> str:
    """The name of the span's parent; empty where it has none."""
    ids = {each.context.span_id: each.name for each in exporter.get_finished_spans() if each.context}
    return ids[span.parent.span_id] if span.parent else ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
async def test_one_trace_leads_from_the_request_through_the_task_to_zep(
    token: str, exporter: InMemorySpanExporter, standin: StandIn
) -> None:
    await ChatClient(token).say(SAID, thread_id="t1")
    wait_until(lambda: named(exporter, f"run {MIRROR}"), "the task's span")

    (request,) = named(exporter, "POST /api/chat/")
    (publication,) = named(exporter, f"publish {MIRROR}")
    (task,) = named(exporter, f"run {MIRROR}")
    to_zep = [span for span in named(exporter, "POST Zep") if parent_of(exporter, span) == task.name]
    assert [parent_of(exporter, span) for span in (request, publication, task)] == ["", "nudge", publication.name]
    assert [parent_of(exporter, span) for step in STEPS for span in named(exporter, step)] == [request.name] * 5
    assert [parent_of(exporter, span) for span in named(exporter, "POST Zep") if span not in to_zep] == ["recall"]
    assert len(to_zep) >= 2
    traces = {span.context.trace_id for span in (request, publication, task, *to_zep) if span.context}
    assert len(traces) == 1
    assert request.kind.name == "SERVER"
    assert {span.kind.name for span in to_zep} == {"CLIENT"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_server", "standin")
async def test_spans_say_nothing_about_anybody(
    token: str, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = ChatClient(token)
    answer = await chat.say(SAID, thread_id="t1")
    monkeypatch.setattr("assistant.turns.compose", lambda *_, **__: int(SAID))
    assert (await chat.post({"message": SAID})).status_code == 500

    spans = exporter.get_finished_spans()
    assert {name for span in spans for name in span.attributes or {}} == ATTRIBUTES - {"outcome"}
    assert [span.events for span in spans if span.events] == []
    told = "".join(span.to_json() for span in spans)
    assert [text for text in ("canary", "t1", answer["client_msg_id"], token, "127.0.0.1") if f'"{text}' in told] == []
    assert "canary" not in told
    assert [span.status.status_code.name for span in named(exporter, "POST /api/chat/")] == ["UNSET", "ERROR"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis_server", "standin")
async def test_a_trace_that_a_client_sends_is_not_taken_up(token: str, exporter: InMemorySpanExporter) -> None:
    chat = ChatClient(token)
    chat.headers["traceparent"] = f"00-{'a' * 32}-{'b' * 16}-01"
    await chat.say("hello")

    (request,) = named(exporter, "POST /api/chat/")
    assert request.parent is None


def run(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A process of the product with these settings."""
    prelude = "import sys, django\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + code],
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT, "DJANGO_SETTINGS_MODULE": "easy_islanders.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


CHECK = """
django.setup()
from django.core.management import call_command
from django.core.management.base import SystemCheckError
try:
    call_command("check")
except SystemCheckError as error:
    sys.exit(str(error))
"""
WITHOUT_EXTRA = "sys.modules['opentelemetry'] = None\n"
# redis-py tries to import it for metrics of its own; what the product adds is counted.
IMPORTED = """
import redis.asyncio
before = set(sys.modules)
django.setup()
import easy_islanders.asgi
print(sorted(name for name in set(sys.modules) - before if name.startswith("opentelemetry")))
"""


@pytest.mark.parametrize("settings", [{}, {"OTEL_ENABLED": "true", "OTEL_SDK_DISABLED": "true"}])
def test_off_nothing_of_it_is_imported(settings: dict[str, str]) -> None:
    assert run(IMPORTED, PROCESS_ROLE="web", **settings).stdout.splitlines()[-1] == "[]"


def test_on_it_is() -> None:
    assert "opentelemetry.exporter" in run(IMPORTED, PROCESS_ROLE="web", **EXPORTED).stdout


@pytest.mark.parametrize(
    ("before", "settings", "identifier"),
    [
        (WITHOUT_EXTRA, EXPORTED, "otel.E001"),
        ("", {"OTEL_ENABLED": "true"}, "otel.E002"),
        ("", EXPORTED, ""),
        (WITHOUT_EXTRA, {}, ""),
    ],
)
def test_tracing_that_cannot_work_stops_the_start_with_the_reason(
    before: str, settings: dict[str, str], identifier: str
) -> None:
    done = run(before + CHECK, PROCESS_ROLE="web", **settings)

    assert (done.returncode != 0) == bool(identifier), done.stderr
    assert identifier in done.stderr


def test_off_a_span_costs_nothing_and_carries_nothing() -> None:
    assert tracing.span("one") is tracing.span("another")
    assert tracing.carried() == {}
