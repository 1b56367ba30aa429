"""A world for one run: a Redis, a Zep stand-in and a database of its own, and the passing of time in all of them.

Uses none of the product's code, so it can be made before Django's settings are read: `environment` is what they and
every child are told. Time is not slept but passed in: what has a time in it is moved into the past.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from ops.free_port import free_port
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.support import invariants
from tests.support.invariants import Expectations, Report
from tests.support.processes import ROOT

LONG_AGO = "2000-01-01 00:00:00"
WAITING = "SELECT count(*) AS n FROM assistant_message WHERE mirror_state IN ('pending', 'in_flight')"
# A minute passes in Redis: the hold's time comes (one that ended meanwhile stays ended), the canary and the drainers
# that died are forgotten; the last success, the last recovery and each thread's last failure are a minute older.
A_MINUTE_PASSES = """
local raw = redis.call('GET', KEYS[1])
if raw then
  local hold = cjson.decode(raw)
  hold['until'] = 0
  redis.call('SET', KEYS[1], cjson.encode(hold))
end
redis.call('DEL', KEYS[2], KEYS[3])
local aged = redis.call('KEYS', 'mem:write:failed:*')
aged[#aged + 1] = KEYS[4]
aged[#aged + 1] = KEYS[5]
for _, key in ipairs(aged) do
  local at, rest = string.match(redis.call('GET', key) or '', '^(%S+)(.*)$')
  if at then redis.call('SET', key, string.format('%.6f', tonumber(at) - 60) .. rest, 'EX', 3600) end
end
"""
KEYS = (
    "mem:write:hold:v1",
    "mem:write:canary:v1",
    "mem:mirror:drainers",
    "mem:write:success",
    "mem:write:recovered",
)


class World:
    """The servers and the database of one run, below a temporary folder. As a context manager: started, then gone."""

    def __init__(self, database_url: str = "", **environment: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="easy-chaos-"))
        self.standin = StandIn(api_key="chaos-zep-key")
        self.redis = RedisProcess(self.folder / "redis", free_port())
        self.database_url = database_url or f"sqlite:///{self.folder / 'db.sqlite3'}"
        self._more = environment

    def __enter__(self) -> Self:
        self.redis.start()
        self.standin.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.standin.close()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """Everything that a process of this world is told."""
        return {
            **{name: value for name, value in os.environ.items() if name not in FOREIGN},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
            "LOCAL_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis.url,
            "ZEP_BASE_URL": self.standin.url,
            "ZEP_API_KEY": self.standin.api_key,
            "FLAG_ZEP_READ": "false",
            "FLAG_ZEP_WRITE": "true",
            "SECRET_KEY": "tests-only",
            **self._more,
        }

    # Redis

    def flush_redis(self) -> None:
        with closing(redis.Redis.from_url(self.redis.url)) as client:
            client.flushall()

    # Time

    def leases_end(self) -> None:
        """What passing time does to the leases of workers that died, and of those that are only slow."""
        statement = f"UPDATE assistant_thread SET lease_until = '{LONG_AGO}' WHERE lease_until IS NOT NULL"  # noqa: S608
        invariants.query(self.database_url, statement)

    def threads_come_due(self) -> None:
        """What passing time does to threads that back off."""
        changes = f"mirror_due_at = '{LONG_AGO}'"
        statement = f"UPDATE assistant_thread SET {changes} WHERE mirror_due_at IS NOT NULL"  # noqa: S608
        invariants.query(self.database_url, statement)

    def a_minute_passes_in_redis(self) -> None:
        """What passing time does to the write hold, its canary, and the places of drainers that died."""
        with closing(redis.Redis.from_url(self.redis.url)) as client:
            client.eval(A_MINUTE_PASSES, len(KEYS), *KEYS)

    def time_passes(self) -> None:
        self.leases_end()
        self.threads_come_due()
        self.a_minute_passes_in_redis()

    # The end

    def waiting(self) -> int:
        """How many messages wait for Zep."""
        return int(invariants.query(self.database_url, WAITING)[0]["n"])

    def check(self, expected: Expectations, *logs: Path) -> Report:
        files = [*logs, *self.standin.data.parent.iterdir(), *self.redis.folder.rglob("*")]
        return invariants.check(self.standin, self.database_url, expected, redis_url=self.redis.url, files=files)


FOREIGN = (
    "CACHE_REDIS_URL",
    "CELERY_BROKER_URL",
    "ZEP_API_URL",
    "METRICS_TOKEN",
    "PROCESS_ROLE",
    "PYTEST_CURRENT_TEST",
)


def migrate(database_url: str) -> None:
    """Make the tables, in a process of its own."""
    folder = tempfile.mkdtemp(prefix="easy-chaos-migrate-")
    environment = os.environ | {"DATABASE_URL": database_url, "LOCAL_DIR": folder, "SECRET_KEY": "tests-only"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=400)
    shutil.rmtree(folder, ignore_errors=True)
