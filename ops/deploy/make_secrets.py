"""Makes the secrets that compose.yaml and the systemd units hand out, a file each; what is there already is kept.

Standard library only: it runs on a host where nothing of ours is installed. The directory is its owner's alone. The
files in it can be read by everybody, since containers run under other users: who cannot enter the directory cannot.
"""

import base64
import os
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

USAGE = "usage: make_secrets.py DIRECTORY\n"
FROM_OTHERS = ("zep_api_key", "slack_api_url", "pagerduty_routing_key", "watchdog_token")
PASSWORD = re.compile(r"^requirepass (\S+)$", re.MULTILINE)


def random() -> str:
    """Letters, digits, - and _ alone: it goes into URLs and configurations as it is."""
    return secrets.token_urlsafe(40)


def redis_url(folder: Path, name: str) -> str:
    """The URL of the server that `name`.conf protects."""
    found = PASSWORD.search((folder / f"{name}.conf").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{folder / name}.conf has no line `requirepass PASSWORD`")
    return f"redis://:{found[1]}@{name}:6379/0"


def database_url(folder: Path) -> str:
    password = (folder / "postgres_password").read_text(encoding="utf-8").strip()
    return f"postgres://easy_islanders:{password}@postgres:5432/easy_islanders"


# In this order: some are made of others.
MADE: dict[str, Callable[[Path], str]] = {
    "secret_key": lambda _: random(),
    "metrics_token": lambda _: random(),
    "flower_basic_auth": lambda _: f"operator:{random()}",
    "grafana_admin_password": lambda _: random(),
    "postgres_password": lambda _: random(),
    "database_url": database_url,
    "redis.conf": lambda _: f"requirepass {random()}",
    "redis_url": lambda folder: redis_url(folder, "redis"),
    "cache.conf": lambda _: f"requirepass {random()}",
    "cache_redis_url": lambda folder: redis_url(folder, "cache"),
    "archive_encryption_key": lambda _: base64.urlsafe_b64encode(os.urandom(32)).decode(),  # a Fernet key
}


def make(folder: Path) -> list[str]:
    """Make what is missing; return the names of those that only you can fill in."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, made in MADE.items():
        if not (folder / name).exists():
            write(folder / name, f"{made(folder)}\n")
    for name in FROM_OTHERS:
        if not (folder / name).exists():
            write(folder / name, "")
    return [name for name in FROM_OTHERS if not (folder / name).stat().st_size]


def write(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    path.chmod(0o644)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(USAGE)
        return 0 if arguments in (["--help"], ["-h"]) else 2
    folder = Path(arguments[0])
    for name in make(folder):
        sys.stdout.write(f"fill in: {folder / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
