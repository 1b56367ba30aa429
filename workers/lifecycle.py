"""What a Celery worker does when it is ready: it opens its metrics port."""

from celery.signals import worker_ready
from django.conf import settings

from assistant.monitoring.exposition import serve_metrics


def connect() -> None:
    worker_ready.connect(open_metrics_port)


def open_metrics_port(**_: object) -> None:
    """Serve the metrics of `worker` and `control` on their own ports."""
    ports = {"worker": settings.WORKER_METRICS_PORT, "control": settings.CONTROL_METRICS_PORT}
    if settings.PROCESS_ROLE in ports:
        serve_metrics(ports[settings.PROCESS_ROLE])
