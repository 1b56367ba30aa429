"""Whole systems with two web workers, for a Prometheus to look at. The tests of a module share one."""

import pytest

from tests.acceptance import fixtures
from tests.acceptance.database import Template

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=2)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.made_in(tmp_path_factory.mktemp("template"))
