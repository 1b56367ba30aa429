"""Spans by OpenTelemetry: the one module that knows it, imported only where tracing is on.

A span says what was done and how it ended, in fixed words and numbers. Exceptions leave their class; addresses,
queries, ids of people and text have no way in. Traces are ours from their start: a client's is not taken up.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from assistant import correlation, tracing
from assistant.tracing import Attribute, Kind

SERVER_ERROR = 500
_propagator = TraceContextTextMapPropagator()


class _Noted:
    """A span as the product speaks to it."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def note(self, name: str, value: Attribute) -> None:
        self._span.set_attribute(name, value)
        if name == "http.response.status_code" and int(value) >= SERVER_ERROR:
            self._span.set_status(Status(StatusCode.ERROR))


class OpenTelemetry:
    """The product's tracer, over the SDK's."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("easy_islanders")

    @contextmanager
    def span(self, name: str, kind: Kind, carrier: Mapping[str, str] | None) -> Iterator[tracing.Span]:
        parent = None if carrier is None else _propagator.extract(carrier, context=Context())
        with self._tracer.start_as_current_span(
            name,
            context=parent,
            kind=SpanKind[kind.upper()],
            attributes={"correlation_id": correlation.current()},
            record_exception=False,  # its message may quote what somebody wrote
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Noted(span)
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR))
                span.set_attribute("error.type", type(error).__name__)
                raise

    def carried(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier


def start(processor: SpanProcessor | None = None) -> TracerProvider:
    """Record from now on, and send it where the standard variables `OTEL_EXPORTER_OTLP_…` say, or to `processor`."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: settings.OTEL_SERVICE_NAME}))
    provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
    tracing.install(OpenTelemetry(provider))
    return provider
