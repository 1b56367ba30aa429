"""The system's database as a file: made once, copied for each system, and read beside the running processes.

Knows tables and columns; uses none of the product's code, so that it cannot share its mistakes.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ops.waiting import PATIENCE_SECONDS
from tests.support.processes import ROOT

PEOPLE = ("ayse.yilmaz", "mehmet.kaya")
PREPARE = f"""
import django
django.setup()
from django.core.management import call_command as call
call("migrate", verbosity=0)
call("seed_listings")
for name in {PEOPLE!r}:
    call("issue_token", name)
"""
LONG_AGO, LONG_AFTER = "2000-01-01 00:00:00", "2999-01-01 00:00:00"

Row = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """A migrated database with listings and people, and the people's tokens."""

    path: Path
    tokens: dict[str, str]

    @classmethod
    def made_in(cls, folder: Path) -> Self:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "db.sqlite3"
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "easy_islanders.settings"}
        environment |= {"LOCAL_DIR": str(folder), "DATABASE_URL": f"sqlite:///{path}"}
        done = subprocess.run(
            [sys.executable, "-c", PREPARE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return cls(path, dict(zip(PEOPLE, done.stdout.split()[-len(PEOPLE) :], strict=True)))

    def copied_to(self, path: Path) -> "Database":
        shutil.copyfile(self.path, path)
        return Database(path, self.tokens)


@dataclass(frozen=True)
class Database:
    """One system's database."""

    path: Path
    tokens: dict[str, str]

    def query(self, sql: str, *values: object) -> list[Row]:
        with closing(sqlite3.connect(self.path, timeout=PATIENCE_SECONDS)) as connection, connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def messages(self, thread_id: str = "") -> list[Row]:
        """The rows of a thread, or of all, in their order."""
        sql = "SELECT * FROM assistant_message WHERE ? IN (thread_id, '') ORDER BY thread_id, sequence"
        return [_decoded(row) for row in self.query(sql, thread_id)]

    def states(self, thread_id: str = "") -> list[str]:
        return [row["mirror_state"] for row in self.messages(thread_id)]

    def memory_id(self, name: str) -> str:
        """The opaque id of a person, as it is written at Zep."""
        found = self.query("SELECT memory_id FROM assistant_user WHERE username = ?", name)[0]["memory_id"]
        return f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}"

    def let_leases_last(self) -> None:
        """A worker that died has its lease until a test says otherwise: to start another takes longer than that."""
        self.query("UPDATE assistant_thread SET lease_until = ? WHERE lease_until IS NOT NULL", LONG_AFTER)

    def let_leases_end(self) -> None:
        """What passing time does to the lease of a worker that died, without the waiting."""
        self.query("UPDATE assistant_thread SET lease_until = ? WHERE lease_until IS NOT NULL", LONG_AGO)

    def let_retries_come_due(self) -> None:
        """What passing time does to threads that were put off, and to the sweep's grace for those just due."""
        self.query("UPDATE assistant_thread SET mirror_due_at = ? WHERE mirror_due_at IS NOT NULL", LONG_AGO)

    def columns_holding(self, texts: tuple[str, ...]) -> set[str]:
        """`table.column` of every value that contains one of `texts`."""
        tables = [row["name"] for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {place for table in tables for place in self._places(table, texts)}

    def _places(self, table: str, texts: tuple[str, ...]) -> Iterator[str]:
        for row in self.query(f'SELECT * FROM "{table}"'):  # noqa: S608  # the name comes from the database itself
            for column, value in row.items():
                if any(text in str(value) for text in texts):
                    yield f"{table}.{column}"


def _decoded(row: Row) -> Row:
    named = ("redactions", "rich", "memory_trace", "outgoing_parts")
    return row | {name: json.loads(row[name]) for name in named if row[name] is not None}
