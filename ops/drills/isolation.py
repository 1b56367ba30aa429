"""What a drill has for itself: environment, SQLite file, Redis, Zep stand-in, ports. All of it ends with it.

Imports nothing of the product but names: its settings are read when it is imported, and must be the drill's. A Redis
of its own instead of a key prefix: the product's keys have none, its scripts make some of them, and no bug of a drill
can reach a key that is in another server.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import call_command

from assistant.drills.catalogue import kept
from ops.free_port import free_port
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn

# Shortened, so that nobody waits; what they do is the product's own.
WAITS = {
    "MEMORY_DOWNGRADE_HOLD_SECONDS": "2",
    "MEMORY_DOWNGRADE_MAX_HOLD_SECONDS": "6",
    "MEMORY_PROBE_INTERVAL_SECONDS": "1",
}


@dataclass(frozen=True)
class Servers:
    """The drill's own servers, and the port where its metrics are served."""

    redis: RedisProcess
    standin: StandIn
    metrics_port: int


@contextmanager
def isolated() -> Iterator[Servers]:
    """Start the servers, make the product's settings theirs alone, migrate an empty database; end and remove all."""
    _forget_who_started_us()
    with tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as name:
        folder, key = Path(name), secrets.token_hex(16)
        redis = RedisProcess(folder / "redis", free_port()).start()
        try:
            with StandIn(folder / "zep.sqlite3", api_key=key) as standin:
                servers = Servers(redis, standin, free_port())
                _set_up(servers, folder, key)
                yield servers
        finally:
            redis.stop()


def _forget_who_started_us() -> None:
    ours = kept(os.environ)
    os.environ.clear()
    os.environ.update(ours)


def _set_up(servers: Servers, folder: Path, key: str) -> None:
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
            "LOCAL_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "PROCESS_ROLE": "worker",
            "SECRET_KEY": secrets.token_hex(32),
            "ARCHIVE_ENCRYPTION": "false",  # a drill archives nothing, and knows no key
            "REDIS_URL": servers.redis.url,
            "ZEP_BASE_URL": servers.standin.url,
            "ZEP_API_KEY": key,
            "FLAG_ZEP_READ": "true",
            "FLAG_ZEP_WRITE": "true",
            "CHAT_RATE_PER_MINUTE": "100000",
            "WORKER_METRICS_PORT": str(servers.metrics_port),
            **WAITS,
        }
    )
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("seed_listings", verbosity=0)
