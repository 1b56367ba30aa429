"""Reads the commands and queries out of Markdown. Knows how they are written there, not what they do.

Commands are lines of ```sh blocks, and code in running text that begins with a program's name. A block that cannot be
run says why: ```sh not-run="needs Docker".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>.*)$")
NOT_RUN = re.compile(r'^sh not-run="(?P<reason>[^"]{5,})"$')
PROGRAMS = ("manage.py", ".venv/bin/python", "curl", "redis-cli", "docker", "systemctl", "make", "psql", "pg_dump")
INLINE = re.compile(rf"`((?:{'|'.join(map(re.escape, PROGRAMS))}) [^`]+)`")
KNOWN_INFO = {"", "sh", "promql", "json"}


@dataclass(frozen=True)
class Block:
    """What stands between two fences."""

    path: Path
    line: int
    info: str
    lines: tuple[str, ...]

    @property
    def is_understood(self) -> bool:
        return self.info in KNOWN_INFO or NOT_RUN.match(self.info) is not None


def blocks(path: Path) -> list[Block]:
    """All fenced blocks of the file. Raise ValueError where one has no end."""
    return [part for part in _parts(path) if isinstance(part, Block)]


def commands(path: Path) -> list[str]:
    """Every command that is to run, without comments, continued lines joined, in their order."""
    found: list[str] = []
    for part in _parts(path):
        if isinstance(part, str):
            found += INLINE.findall(part)
        elif part.info == "sh":
            joined = "\n".join(part.lines).replace("\\\n", " ")
            lines = (re.sub(r"(^|\s+)#.*$", "", line).strip() for line in joined.splitlines())
            found += [line for line in lines if line]
    return found


def queries(path: Path) -> list[str]:
    """Every PromQL query, one a line."""
    return [line for block in blocks(path) if block.info == "promql" for line in block.lines if line.strip()]


def _parts(path: Path) -> Iterator[Block | str]:
    """Blocks, and between them the running text, its lines joined: code in it may be broken over two."""
    text: list[str] = []
    inside: list[str] | None = None
    info, began = "", 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.match(line)
        if fence and inside is None:
            yield " ".join(text)
            text, inside, info, began = [], [], fence["info"].strip(), number
        elif fence and inside is not None:
            yield Block(path, began, info, tuple(inside))
            inside = None
        elif inside is not None:
            inside.append(line)
        else:
            text.append(line.strip())
    if inside is not None:
        raise ValueError(f"{path}: the block that begins in line {began} has no end")
    yield " ".join(text)
