"""What the doors share: a database that is lost."""

from collections.abc import Iterator

import pytest
from django.db import connection


@pytest.fixture
def lost_database(token: str) -> Iterator[None]:
    """New connections lead nowhere, as after the server or the file went away; each request makes one of its own."""
    known = dict(connection.settings_dict)
    _reconnect_to({"NAME": "/nowhere/db.sqlite3", "PORT": "1"})
    yield
    _reconnect_to(known)


def _reconnect_to(address: dict[str, object]) -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend
    connection.settings_dict.update(address)
