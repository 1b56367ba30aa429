"""Typed reading of the environment. Knows how a value is spelled, not what it means.

`$LOCAL_DIR/env` (written by `make run`) fills in what the environment leaves unset, so that a command typed in a
second terminal acts on the running system. The environment always wins.

Every variable can be given as a file instead: `NAME_FILE` is the path of a file that holds the value, as container
platforms and systemd hand out secrets. Such a value is in no process's environment, so no child inherits it.
"""

import base64
import importlib.util
import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from assistant import bounds

BASE_DIR = Path(__file__).resolve().parent.parent
TRUE = frozenset({"1", "true", "yes", "on"})
FERNET_KEY_BYTES = 32
FALSE = frozenset({"0", "false", "no", "off"})


def local_dir() -> Path:
    """Where this copy keeps its state: `LOCAL_DIR`, else `.local` beside `manage.py`."""
    return Path(os.environ.get("LOCAL_DIR") or BASE_DIR / ".local").resolve()


def load_local_env() -> None:
    """Take over the `KEY=VALUE` lines of `$LOCAL_DIR/env` for variables that are not set."""
    path = local_dir() / "env"
    if not path.is_file():
        return
    for key, value in parse_lines(path.read_text(encoding="utf-8")).items():
        if not os.environ.get(f"{key}_FILE"):
            os.environ.setdefault(key, value)


def parse_lines(text: str) -> dict[str, str]:
    """Return the `KEY=VALUE` pairs of an environment file; blank lines and `#` lines are left out."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


def text(name: str, default: str = "") -> str:
    """The variable's value, or its file's, without surrounding space; empty counts as unset."""
    value, path = (os.environ.get(variable, "").strip() for variable in (name, f"{name}_FILE"))
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; set one of them")
    return (_content(f"{name}_FILE", path) if path else value) or default


def _content(variable: str, path: str) -> str:
    """What the file says. It may be a secret: not repeated."""
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{variable} names a file that cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{variable} names a file that is not UTF-8 text") from None
    if not value:
        raise ImproperlyConfigured(f"{variable} names a file that is empty")
    return value


def flag(name: str, *, default: bool) -> bool:
    """A yes-or-no variable: 1/true/yes/on or 0/false/no/off, in any case."""
    value = text(name).casefold()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} must be one of true, false, 1, 0, yes, no, on, off; it is {value!r}")


def whole(name: str, default: int, *, at_least: int = 0, at_most: int = bounds.COUNT) -> int:
    """A whole number within limits."""
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number; it is {value[:40]!r}") from None
    if not at_least <= number <= at_most:
        raise ImproperlyConfigured(f"{name} must be from {at_least} to {at_most}; it is {number}")
    return number


def share(name: str, default: float) -> float:
    """A number from 0 to 1."""
    value = text(name)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number from 0 to 1; it is {value!r}") from None
    if not 0 <= number <= 1:
        raise ImproperlyConfigured(f"{name} must be from 0 to 1; it is {value}")
    return number


def decimal(name: str, default: float, *, above: float, at_most: float) -> float:
    """A number, with a fraction or without, within limits."""
    value = text(name)
    try:
        number = float(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number; it is {value!r}") from None
    if not above < number <= at_most:
        raise ImproperlyConfigured(f"{name} must be above {above:g} and at most {at_most}; it is {value}")
    return number


def fernet_keys(name: str) -> list[str]:
    """A comma-separated list of Fernet keys: 32 bytes each, in URL-safe base64. They are not repeated."""
    keys = words(name, "")
    for place, key in enumerate(keys, start=1):
        try:
            is_key = len(base64.b64decode(key, altchars=b"-_", validate=True)) == FERNET_KEY_BYTES
        except ValueError:
            is_key = False
        if not is_key:
            raise ImproperlyConfigured(f"{name}: key {place} is not 32 bytes in URL-safe base64")
    return keys


def port(name: str, default: int) -> int:
    """A TCP port, 1 to 65,535."""
    return whole(name, default, at_least=1, at_most=65_535)


def choice(name: str, default: str, allowed: Iterable[str]) -> str:
    """One of a few words."""
    value, words = text(name, default), tuple(allowed)
    if value not in words:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(words)}; it is {value!r}")
    return value


def url(name: str, default: str = "", *, schemes: Iterable[str]) -> str:
    """A URL with one of the given schemes, without a trailing slash. It may hold a password: not repeated."""
    value, allowed = text(name, default).rstrip("/"), tuple(schemes)
    if not value:
        return value
    if value.split("://", 1)[0] not in allowed:
        raise ImproperlyConfigured(f"{name} must start with {' or '.join(f'{scheme}://' for scheme in allowed)}")
    if not _has_readable_address(value):
        rule = "must name a host, and a port only as a number; in passwords # ? / @ are written as %XX"
        raise ImproperlyConfigured(f"{name} {rule}")
    return value


def printable(name: str, default: str = "") -> str:
    """A value that can go into an HTTP header: printable ASCII. The value is not repeated: it may be a key."""
    value = text(name, default)
    if not (value.isascii() and (value.isprintable() or not value)):
        raise ImproperlyConfigured(f"{name} must be printable ASCII")
    return value


def _has_readable_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0) and not parts.fragment
    except ValueError:
        return False


def is_importable(module: str) -> bool:
    """Whether a module is installed, without loading it; its parents are."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def words(name: str, default: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str) -> list[str]:
    """A comma-separated list of IP addresses and networks; one that holds every address is refused."""
    found = words(name, "")
    for word in found:
        try:
            network = ipaddress.ip_network(word)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be IP addresses or networks; one is {word!r}") from None
        if network.prefixlen == 0:
            raise ImproperlyConfigured(f"{name} may not hold every address; one is {word!r}")
    return found
