"""A PostgreSQL of the tests' own, with databases by the copy; without durability, which no test asks for.

Knows what tests need of `ops.postgres_process` beyond it, and what to do where no PostgreSQL is installed.
"""

import os
from typing import Self

import psycopg
import pytest
from psycopg import sql

from ops.postgres_process import PostgresMissing, PostgresProcess, binaries
from tests.support.processes import leash

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class PostgresCluster(PostgresProcess):
    """A cluster for tests. As a context manager: made, then gone; and it ends with this process, however this ends."""

    def __init__(self) -> None:
        super().__init__({**FAST, "shared_buffers": "64MB"})

    def start(self) -> Self:
        super().start()
        leash().hold(self.pid)
        return self

    def close(self) -> None:
        pid = self.pid
        super().close()
        if pid:
            leash().let_go(pid)

    def copy(self, database: str, of: str) -> str:
        """Create a database as a copy of another, which nobody may be connected to; return its URL."""
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(of)))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def is_installed() -> bool:
    try:
        binaries()
    except PostgresMissing:
        return False
    return True


def require() -> None:
    """Skip the test where no PostgreSQL is installed; in CI (`CI=true`) it fails."""
    if is_installed():
        return
    if os.environ.get("CI", "").casefold() in ("true", "1"):
        pytest.fail("CI must have a PostgreSQL server")
    pytest.skip("no PostgreSQL server is installed")
