"""Tests that stop, kill and break things: each has a whole system of its own, quickly started."""

from tests.acceptance import fixtures

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("function", web_workers=1)
