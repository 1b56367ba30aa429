"""A whole running system, for drills to be run beside."""

from tests.acceptance import fixtures

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=1, patient=False)
