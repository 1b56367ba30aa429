"""Production's settings as processes are told them: HTTPS behind a proxy on loopback, every secret in a file."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

SECRETS = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "METRICS_TOKEN": secrets.token_urlsafe(32),
    "ARCHIVE_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "FLOWER_BASIC_AUTH": f"operator:{secrets.token_urlsafe(16)}",
}
SETTINGS = {
    "HTTPS_ONLY": "true",
    "TRUSTED_PROXIES": "127.0.0.1",
    "ALLOWED_HOSTS": "chat.example.org,127.0.0.1",
    "FLAG_ZEP_READ": "true",
    "FLAG_ZEP_WRITE": "true",
}
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


def in_files(values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`NAME_FILE` for each value, written as Docker and systemd hand secrets out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name.lower()).write_text(f"{value}\n", encoding="utf-8")
    return {f"{name}_FILE": str(folder / name.lower()) for name in values}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """All that a production process is told; of this machine only where programs are."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    own = {"LOCAL_DIR": str(folder / "state"), "PYTHONDONTWRITEBYTECODE": "1"}
    return inherited | SETTINGS | own | in_files(SECRETS, folder / "secrets") | more
