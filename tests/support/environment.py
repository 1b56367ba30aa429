"""A pytest plugin, loaded before Django's settings: the environment of the test run, and the servers behind it.

Every run has a temporary LOCAL_DIR, a real Redis-protocol server and a real Zep stand-in of its own; nothing of a
running copy is touched. The servers start with the first test that needs them. The database is a SQLite file, or with
`TEST_ON_POSTGRES=1` a private PostgreSQL.
"""

import atexit
import inspect
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import httpx
import redis

from ops.free_port import free_port
from ops.waiting import PATIENCE_SECONDS
from tests.support import postgres

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; what tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where nobody says otherwise httpx and redis-py give up after 5 s of silence: a busy machine stands still for longer.
silence: httpx.Timeout = inspect.signature(httpx.get).parameters["timeout"].default
silence.connect = silence.read = silence.write = silence.pool = PATIENCE_SECONDS
hasty_from_url = redis.Redis.from_url


def from_url(url: str, **options: Any) -> redis.Redis:
    """redis-py's own, with time enough."""
    return hasty_from_url(
        url, **{"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS} | options
    )


redis.Redis.from_url = from_url  # type: ignore[method-assign]  # of the tests' process alone

LOCAL_DIR = Path(tempfile.mkdtemp(prefix="easy-islanders-tests-"))
ZEP_API_KEY = "test-zep-key"


REDIS_PORT, ZEP_PORT = free_port(), free_port()
ENVIRONMENT = {
    "LOCAL_DIR": str(LOCAL_DIR),
    "REDIS_URL": f"redis://127.0.0.1:{REDIS_PORT}/0",
    "ZEP_BASE_URL": f"http://127.0.0.1:{ZEP_PORT}",
    "ZEP_API_KEY": ZEP_API_KEY,
    "FLAG_ZEP_READ": "true",
    "FLAG_ZEP_WRITE": "true",
    "SECRET_KEY": "tests-only",
    "ARCHIVE_ENCRYPTION_KEY": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
}
ON_POSTGRES = os.environ.pop("TEST_ON_POSTGRES", "") == "1"
FOREIGN = ("DATABASE_URL", "CACHE_REDIS_URL", "CELERY_BROKER_URL", "ZEP_API_URL", "METRICS_TOKEN", "PROCESS_ROLE")

for name in FOREIGN:
    os.environ.pop(name, None)
if ON_POSTGRES:
    CLUSTER = postgres.cluster().start()
    atexit.register(CLUSTER.close)
    ENVIRONMENT["DATABASE_URL"] = CLUSTER.create("easy_islanders")
os.environ |= ENVIRONMENT
atexit.register(shutil.rmtree, LOCAL_DIR, ignore_errors=True)
