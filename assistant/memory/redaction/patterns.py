r"""Compiles patterns for folded text, in which all digits are ASCII; knows nothing of what they look for.

Python asks Unicode's tables for each character that `\d` is tried on; a range is compared with.
"""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"(?s:\\.)")
_ESCAPE_OR_CLASS: Final = re.compile(r"(?s:\\.|\[\^?\]?(?:\\.|[^\]\\])*\])")


def compiled(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern with `\d` read as `[0-9]`."""
    return re.compile(_ESCAPE_OR_CLASS.sub(_with_plain_digits, pattern))


def _with_plain_digits(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] == "[":
        return _ESCAPE.sub(lambda escape: "0-9" if escape.group() == r"\d" else escape.group(), found)
    return "[0-9]" if found == r"\d" else found
