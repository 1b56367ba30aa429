"""Whole systems of real processes, as the acceptance tests have them; each test its own."""

from tests.acceptance import fixtures

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("function", web_workers=1)
