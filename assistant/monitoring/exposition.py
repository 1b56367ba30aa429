"""One process group's metrics as Prometheus text: the web's through the multiprocess files, others as they are."""

import os
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from assistant.monitoring.collectors import ClusterCollector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition() -> bytes:
    """All metrics of this process and, on the web, of its siblings."""
    try:
        _forget_dead_processes()
        return generate_latest(_registry())
    finally:
        connection.close()  # a scrape runs on a thread of its own: it leaves no connection behind


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on loopback, for processes that have no web server."""
    start_http_server(port, addr=settings.METRICS_HOST, registry=_registry())


@cache
def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library does not annotate it
        registry.register(ClusterCollector())
        return registry
    REGISTRY.register(ClusterCollector())
    return REGISTRY


def _forget_dead_processes() -> None:
    """Drop the live gauges of workers that were killed; they could not do it themselves."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for path in Path(folder).glob("gauge_live*_*.db") if folder else ():
        pid = int(path.stem.rsplit("_", 1)[1])
        if not _is_running(pid):
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library does not annotate it


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
