"""Texts written by hand, with what is personal in them marked; data for tests and for the benchmark.

A line of a file is a text; `⟦…⟧` marks what must be replaced and `\\uXXXX` stands for a character one cannot see. A
line that begins with `# ` names the category of those below it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

KINDS: Final = ("email", "phone", "address", "clean")
_MARKED: Final = re.compile(r"(?s)⟦(.*?)⟧")
_ESCAPE: Final = re.compile(r"\\u([0-9a-f]{4})")


class Case(NamedTuple):
    """One text, the same with placeholders, and what had to be replaced."""

    kind: str
    category: str
    text: str
    expected: str
    personal: tuple[str, ...]


def cases(kind: str) -> Iterator[Case]:
    """Yield the cases of a file."""
    category = ""
    for line in (Path(__file__).parent / f"{kind}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            category = line[2:]
        elif line:
            yield _case(kind, category, _ESCAPE.sub(lambda match: chr(int(match[1], 16)), line))


def _case(kind: str, category: str, marked: str) -> Case:
    return Case(
        kind=kind,
        category=category,
        text=_MARKED.sub(r"\1", marked),
        expected=_MARKED.sub(f"[{kind.upper()}]", marked),
        personal=tuple(_MARKED.findall(marked)),
    )
