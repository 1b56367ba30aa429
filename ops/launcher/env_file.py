"""Files of `KEY=VALUE` lines that only their owner may read. Knows the format, not what the keys mean."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


class WrongValue(Exception):
    """A value that would not survive being read back."""


def read(path: Path) -> dict[str, str]:
    """The file's pairs; an absent file has none."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}


def write(path: Path, pairs: Mapping[str, str]) -> None:
    """Replace the file in one step, so that a reader sees the old or the new one, never a part."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(rendered(pairs))
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def rendered(pairs: Mapping[str, str]) -> str:
    """The pairs as text, sorted by key. Raises WrongValue."""
    for key, value in pairs.items():
        if value != value.strip() or len(value.splitlines()) > 1:
            raise WrongValue(f"{key} holds a line break or surrounding space, which {key}=VALUE lines cannot carry")
    return "".join(f"{key}={value}\n" for key, value in sorted(pairs.items()))
