"""Whole systems with two web workers, for a Prometheus to look at. The tests of a module share one."""

from tests.acceptance import fixtures

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=2)
