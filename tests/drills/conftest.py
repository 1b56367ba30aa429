"""A whole running system, for drills to be run beside."""

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
) = fixtures.of_scope("module", web_workers=1)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.made_in(tmp_path_factory.mktemp("template"))
