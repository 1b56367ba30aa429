"""One process group's metrics as Prometheus text: the web's through the multiprocess files, others as they are."""

import os
from functools import cache

from django.conf import settings
from django.db import connection
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from assistant.monitoring.collectors import ClusterCollector
from assistant.monitoring.processes import MemoryCollector, forget_the_dead
from assistant.monitoring.queues import QueueCollector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
COLLECTORS: tuple[type[Collector], ...] = (ClusterCollector, QueueCollector, MemoryCollector)


def exposition() -> bytes:
    """All metrics of this process and, on the web, of its siblings."""
    try:
        forget_the_dead()
        return generate_latest(_registry())
    finally:
        connection.close()  # a scrape runs on a thread of its own: it leaves no connection behind


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on loopback, for processes that have no web server."""
    start_http_server(port, addr=settings.METRICS_HOST, registry=_registry())


@cache
def _registry() -> CollectorRegistry:
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library does not annotate it
    for collector in COLLECTORS:
        registry.register(collector())
    return registry
