"""A whole system of real processes for each module that asks for one."""

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
