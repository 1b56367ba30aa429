"""Lists of words as sets and as regular expressions; knows nothing of what the words mean."""

import re
from collections.abc import Iterable

from assistant.memory.redaction.folding import fold


def word_set(*lines: str) -> frozenset[str]:
    """Return the words of the lines, folded."""
    return frozenset(fold(word) for line in lines for word in line.split())


def words(*lines: str) -> str:
    """Return a regular expression for any of the words of the lines, folded; `_` is a space."""
    return any_of(fold(word) for line in lines for word in line.split())


def any_of(listed: Iterable[str]) -> str:
    """Return a regular expression for any of the words, the longest where several fit; `_` is a space.

    Words that begin alike share their beginning: Python's `re` tries the branches of an alternative one by one.
    """
    tree: _Tree = {}
    for word in listed:
        branch = tree
        for character in word:
            branch = branch.setdefault(r"[ ]{1,2}" if character == "_" else re.escape(character), {})
        branch[""] = {}
    return _expression(tree)


def _expression(tree: "_Tree") -> str:
    branches = [letter + _expression(tree[letter]) for letter in sorted(tree) if letter]
    if len(branches) == 1 and "" not in tree:
        return branches[0]
    return f"(?:{'|'.join(branches)}){'?' if '' in tree else ''}" if branches else ""


_Tree = dict[str, "_Tree"]
