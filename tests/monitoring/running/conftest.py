"""A whole system of real processes for each module that asks for one."""

from tests.acceptance import fixtures

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=2)
