"""What the doors share: a database that is lost."""

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.support import patience


@pytest.fixture
def lost_database(token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """New connections lead nowhere, as after the server or the file went away; each request makes one of its own."""
    known = dict(connection.settings_dict)
    for options, name in patience.waits_for_the_database():
        monkeypatch.setitem(options, name, 1)  # nothing will come
    _reconnect_to({"NAME": "/nowhere/db.sqlite3", "PORT": "1"})
    yield
    _reconnect_to(known)


def _reconnect_to(address: dict[str, object]) -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend
    connection.settings_dict.update(address)
