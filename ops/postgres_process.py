"""A private PostgreSQL as a child process: a cluster in a temporary directory, on a free port of loopback.

Knows how a cluster is made, started and ended; nothing of anybody's tables. Durable as PostgreSQL is by default:
what it costs to commit is part of what is measured against it.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from ops.free_port import free_port
from ops.leash import leash
from ops.waiting import wait_until

DEBIAN = Path("/usr/lib/postgresql")
SYSTEM_USER = "postgres"
SUPERUSER = "easy"
STOP_SECONDS = 60.0


class PostgresMissing(Exception):
    """No PostgreSQL server is installed here, or it could not make a cluster."""


def binaries() -> Path:
    """The directory of `initdb` and `postgres`: of those on PATH, else Debian's newest. Raise PostgresMissing."""
    if shutil.which("initdb") and (found := shutil.which("postgres")):
        return Path(found).parent
    versions = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").is_file()]
    if not versions:
        raise PostgresMissing(f"no postgres on PATH, none below {DEBIAN}")
    return max(versions, key=lambda path: float(path.parent.name))


def is_installed() -> bool:
    """Whether a PostgreSQL server is installed here."""
    try:
        binaries()
    except PostgresMissing:
        return False
    return True


class PostgresProcess:
    """As a context manager: made and started, then stopped and removed. `options` are settings of postgresql.conf.

    Run by root it runs as the system's user `postgres`: PostgreSQL refuses to be root. `close` ends it whoever is
    still connected, and it ends with this process, however this one ends; its temporary directory is then left.
    """

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self._options = {"max_connections": "300", "shared_buffers": "256MB"} | dict(options or {})
        self._bin = binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="easy-islanders-postgres-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The postmaster's process id; 0 where it does not run."""
        return self._process.pid if self._process else 0

    def start(self) -> Self:
        """Make the cluster, start it, and return once it takes connections. Raise PostgresMissing."""
        self._hand_over(self.folder)
        data = self.folder / "data"
        settings = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        made = subprocess.run(
            [*self._as_its_user, self._bin / "initdb", "-D", data, *settings],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise PostgresMissing(made.stderr.strip())
        options = [f"-c{name}={value}" for name, value in self._options.items()]
        options += [f"-cport={self.port}", "-clisten_addresses=127.0.0.1", "-cunix_socket_directories="]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_its_user, self._bin / "postgres", "-D", data, *options],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        leash().hold(self.pid)
        wait_until(self._answers, "PostgreSQL to answer")
        return self

    def close(self) -> None:
        """End it, whoever is still connected, and remove it."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)  # an immediate one: its children end too
                process.wait()
            leash().let_go(process.pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, database: str) -> str:
        """The DATABASE_URL of a database."""
        return f"postgres://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Create an empty database; return its URL."""
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

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

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise PostgresMissing((self.folder / "log").read_text(errors="replace").strip())
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
        return True

    @cached_property
    def _as_its_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        user = pwd.getpwnam(SYSTEM_USER)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def _hand_over(self, folder: Path) -> None:
        if os.geteuid() == 0:
            user = pwd.getpwnam(SYSTEM_USER)
            os.chown(folder, user.pw_uid, user.pw_gid)
