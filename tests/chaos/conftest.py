"""Databases and worlds for the tests of this suite. The worlds' have nothing to do with the test run's own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from django.db import connection

from ops.postgres_process import PostgresProcess
from tests.chaos.run import Databases
from tests.chaos.world import World
from tests.support import postgres
from tests.support.processes import ROOT

SCENARIO_SECONDS = 400
Json = Any
Play = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresProcess]:
    """A cluster of this suite's own; see `postgres.require` for where there is no PostgreSQL."""
    postgres.require()
    with postgres.cluster() as cluster:
        yield cluster


@pytest.fixture
def own_database_url(db: None) -> str:
    """The URL of the test run's own database, for code that reads it past Django."""
    own = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{own['NAME']}"
    return f"postgres://{own['USER']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases(None, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_cluster: PostgresProcess, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases(postgres_cluster, tmp_path_factory.mktemp("postgres"))


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """`postgres`, then `sqlite`."""
    return cast(str, request.param)


@pytest.fixture(scope="module")
def databases(database: str, request: pytest.FixtureRequest) -> Databases:
    return cast(Databases, request.getfixturevalue(f"{database}_databases"))


@pytest.fixture(scope="module")
def world(database: str, databases: Databases, request: pytest.FixtureRequest) -> Iterator[World]:
    """One world for a module's tests on one database."""
    url = databases.new(f"{request.module.__name__.rpartition('.')[2]}_{database}", on_postgres=database == "postgres")
    with World(url, DATABASE_POOL_SIZE="8") as made:
        yield made


@pytest.fixture(scope="module")
def play(world: World) -> Play:
    """Play scenarios of `scenarios.py` in a process of their own; what each of them saw."""

    def play(*names: str) -> dict[str, Json]:
        command = [sys.executable, "-m", "tests.chaos.scenarios", *names]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=world.environment,
            capture_output=True,
            text=True,
            timeout=SCENARIO_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3_000:]
        seen: dict[str, Json] = json.loads(done.stdout.splitlines()[-1])
        return seen

    return play
