"""Real processes send their spans to a collector: the request's and the task's meet in one trace."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ops.waiting import wait_until
from tests.acceptance.system import System

CHAIN = ["POST /api/chat/", "nudge", "publish assistant.tasks.mirror_message", "run assistant.tasks.mirror_message"]


class Collector:
    """An OTLP collector over HTTP: keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    named = {each.key: each.value.string_value for each in resource.resource.attributes}
                    for scope in resource.scope_spans:
                        spans.extend((named["service.name"], span) for span in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quietly."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def named(self, name: str) -> list[tuple[str, Span]]:
        return [(service, span) for service, span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_web_and_worker_tell_one_trace(system: System, collector: Collector) -> None:
    system.configure(
        OTEL_ENABLED="true", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100"
    )  # fmt: skip
    system.start("web", "worker")

    system.ayse.say("hello")
    wait_until(lambda: all(map(collector.named, CHAIN)), "the spans of both processes")

    services, chain = zip(*(collector.named(name)[0] for name in CHAIN), strict=True)
    assert services == ("easy-islanders-web",) * 3 + ("easy-islanders-worker",)
    assert len({span.trace_id for span in chain}) == 1
    assert [span.parent_span_id for span in chain] == [b"", *(span.span_id for span in chain[:-1])]
    to_zep = [span for service, span in collector.named("POST Zep") if service == "easy-islanders-worker"]
    assert {span.parent_span_id for span in to_zep} >= {chain[-1].span_id}
