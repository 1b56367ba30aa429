"""The fixtures of a whole system, for the scope that is asked for: a module's tests share one, or each has its own.

Overrides pytest-celery's three clusters by nodes that are processes. `system` has none of its processes started;
`running_system` has all of them.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import pytest
from pytest_celery import (  # type: ignore[import-untyped]  # the plugin ships no type information
    CeleryBrokerCluster,
    CeleryWorkerCluster,
)

from ops.free_port import free_port
from ops.zep_standin.process import StandIn
from tests.acceptance.database import Template
from tests.acceptance.system import System, environment_of
from tests.support.celery_nodes import BrokerNode, WorkerNode

Fixture = Any  # pytest's own type of a decorated fixture is private


class SystemFixtures(NamedTuple):
    standin: Fixture
    celery_broker_cluster: Fixture
    celery_backend_cluster: Fixture
    celery_worker_cluster: Fixture
    system: Fixture
    running_system: Fixture


def of_scope(scope: Literal["module", "function"], *, web_workers: int, patient: bool = True) -> SystemFixtures:
    """`patient`: see `environment_of`."""

    @pytest.fixture(scope=scope)
    def standin() -> Iterator[StandIn]:
        with StandIn() as own:
            yield own

    @pytest.fixture(scope=scope)
    def celery_broker_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CeleryBrokerCluster]:
        node = BrokerNode(tmp_path_factory.mktemp("broker"), free_port())
        node.restart()
        yield CeleryBrokerCluster(node)
        node.teardown()

    @pytest.fixture(scope=scope)
    def celery_backend_cluster() -> None:
        """No results are kept."""

    @pytest.fixture(scope=scope)
    def celery_worker_cluster(
        celery_broker_cluster: CeleryBrokerCluster, standin: StandIn, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[CeleryWorkerCluster]:
        folder = tmp_path_factory.mktemp("system")
        environment = environment_of(
            folder, celery_broker_cluster[0].url, standin, web_workers=web_workers, patient=patient
        )
        elsewhere = environment | {"WORKER_METRICS_PORT": str(free_port())}
        cluster = CeleryWorkerCluster(
            WorkerNode("worker", environment, folder),
            WorkerNode("control", environment, folder),
            WorkerNode("worker", elsewhere, folder, name="second_worker"),
        )
        yield cluster
        for node in cluster:
            node.teardown()

    @pytest.fixture(scope=scope)
    def system(
        celery_broker_cluster: CeleryBrokerCluster,
        celery_worker_cluster: CeleryWorkerCluster,
        standin: StandIn,
        template: Template,
    ) -> Iterator[System]:
        worker, control, second_worker = celery_worker_cluster
        whole = System(
            folder=worker.folder,
            environment=worker.environment,
            broker=celery_broker_cluster[0],
            standin=standin,
            database=template.copied_to(worker.folder / "db.sqlite3"),
            worker=worker,
            second_worker=second_worker,
            control=control,
        )
        whole.make_guard_state()
        yield whole
        whole.close()

    @pytest.fixture(scope=scope)
    def running_system(system: System) -> System:
        system.start("web", "worker", "control", "beat")
        return system

    return SystemFixtures(
        standin, celery_broker_cluster, celery_backend_cluster, celery_worker_cluster, system, running_system
    )
