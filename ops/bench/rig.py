"""What measurements run against: a Redis and a Zep stand-in of their own, and Django set up to use them.

Import this before anything of the product: settings are read once.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command

from ops.free_port import free_port
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn

API_KEY = "bench-key"


@contextmanager
def rig() -> Iterator[tuple[RedisProcess, StandIn]]:
    """Start both servers, point the settings at them, migrate an empty SQLite file, and clean up at the end."""
    with tempfile.TemporaryDirectory(prefix="easy-islanders-bench-") as folder:
        redis = RedisProcess(Path(folder) / "redis", free_port(), durable=True).start()
        try:
            with StandIn(api_key=API_KEY) as standin:
                _set_up(folder, redis.url, standin.url)
                yield redis, standin
        finally:
            redis.stop()


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _set_up(folder: str, redis_url: str, zep_url: str) -> None:
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
            "LOCAL_DIR": folder,
            "PROCESS_ROLE": "web",
            "SECRET_KEY": "bench-only",
            "ARCHIVE_ENCRYPTION_KEY": "YmVuY2gtb25seS1iZW5jaC1vbmx5LWJlbmNoLW9ubHk=",
            "REDIS_URL": redis_url,
            "ZEP_BASE_URL": zep_url,
            "ZEP_API_KEY": API_KEY,
            "FLAG_ZEP_READ": "true",
            "FLAG_ZEP_WRITE": "true",
        }
    )
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("seed_listings", verbosity=0)
