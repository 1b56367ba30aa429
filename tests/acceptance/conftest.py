"""Whole systems of real processes. The tests of a module here share one, and leave it as they found it."""

from tests.acceptance import fixtures

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=2)
