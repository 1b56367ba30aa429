"""The tests' PostgreSQL: without durability, which no test asks for; and what to do where none is installed."""

import os

import pytest

from ops.postgres_process import PostgresProcess, is_installed

OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
}


def cluster() -> PostgresProcess:
    """A cluster for tests, not started yet."""
    return PostgresProcess(OPTIONS)


def require() -> None:
    """Skip the test where no PostgreSQL is installed; in CI (`CI=true`) it fails."""
    if is_installed():
        return
    if os.environ.get("CI", "").casefold() in ("true", "1"):
        pytest.fail("CI must have a PostgreSQL server")
    pytest.skip("no PostgreSQL server is installed")
