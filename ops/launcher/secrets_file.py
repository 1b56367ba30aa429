"""The secrets that this machine made up for itself. Knows how they are made and kept, not who uses them.

`$LOCAL_DIR/secrets` also keeps what the database only holds hashed (the demo user's token, the administrator's
password), so that a later start can print it again.
"""

import base64
import secrets
from pathlib import Path

from ops.launcher import env_file

GENERATED = ("SECRET_KEY", "ZEP_API_KEY", "FLOWER_PASSWORD", "METRICS_TOKEN", "ARCHIVE_ENCRYPTION_KEY")
ADMIN_PASSWORD = "ADMIN_PASSWORD"  # noqa: S105  # the key under which it is kept
DEMO_TOKEN = "DEMO_TOKEN"  # noqa: S105  # the key under which it is kept


def path_in(local_dir: Path) -> Path:
    return local_dir / "secrets"


def load(local_dir: Path) -> dict[str, str]:
    """What is kept, with what is missing made up and kept too."""
    kept = env_file.read(path_in(local_dir))
    makers = {"ARCHIVE_ENCRYPTION_KEY": made_up_archive_key}
    missing = {name: makers.get(name, made_up)() for name in GENERATED if not kept.get(name)}
    if missing:
        env_file.write(path_in(local_dir), kept | missing)
    return kept | missing


def keep(local_dir: Path, name: str, value: str) -> None:
    """Remember one more; an empty value says that the true one is not known here."""
    env_file.write(path_in(local_dir), env_file.read(path_in(local_dir)) | {name: value})


def made_up() -> str:
    """Random, 192 bits, safe in URLs, shells and `KEY=VALUE` lines."""
    return secrets.token_urlsafe(24)


def made_up_archive_key() -> str:
    """A key as Fernet wants it: 32 bytes in URL-safe base64, padded."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
