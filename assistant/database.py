"""Database work from async code: one hop to a thread for each unit of work, and the connection given back after it.

Knows connections, nothing of rows. A request that kept its connection while Zep is read would hold one of the pool's
few for as long as Zep hangs, and then a slow Zep would look like a database that is down (measured on PostgreSQL).
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` on the request's database thread."""
    return await sync_to_async(_unit_of_work(work))(*args, **kwargs)


def give_back_connection() -> None:
    """Let others have the connection, where there is a pool; opening SQLite's file anew each time gains nothing."""
    if "pool" in connection.settings_dict.get("OPTIONS", {}) and not connection.in_atomic_block:
        connection.close()


def _unit_of_work(work: Callable[P, T]) -> Callable[P, T]:
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(*args, **kwargs)
        finally:
            give_back_connection()

    return run
