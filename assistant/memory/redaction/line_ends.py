"""Telephone numbers that a line end parts: "+90 533" above "851 73 20"; knows nothing of columns of other numbers.

Takes two lines for one number only where the first is too short for one and both together are a mobile number that is
assigned today.
"""

import re
from typing import Final

from assistant.memory.redaction import numbering
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import View

_TURKEY: Final = 90
_NORTH_AMERICA: Final = 1  # has no plan of its own for mobile numbers, so any ten digits would do
_RETURN: Final = "\r"
_NOT_DIGITS: Final = compiled(r"\D+")
_BETWEEN_DIGITS: Final = compiled(r"\n(?:(?<=\d\n)|(?<=\d[ \r]\n))[ (]?\d")
_BROKEN: Final = compiled(
    r"[+0](?<![\w+.,/-].)(?:(?<=0)5\d|(?<=0)0[1-9]\d|(?<=\+)[ (]?[1-9]\d)[\d .\-/()]{0,14}+\r?\n"
    r"[ (]?\d(?:[ .\-/()]{0,2}\d){1,10}+(?![ .\-/()]{0,2}\d)"
)


def may_part_numbers(text: str) -> bool:
    """Say whether a folded text has a line end between digits."""
    return "\n" in text and _BETWEEN_DIGITS.search(text) is not None


def with_broken_numbers_joined(view: View) -> View:
    """Return the view with a space for each line end inside a mobile number."""
    return view.masked(_BROKEN, _joined) if may_part_numbers(view.text) else view


def _joined(match: re.Match[str]) -> str:
    first, rest = match.group().split("\n")
    is_number = _is_mobile(first + rest) and not _is_whole(first)
    return f"{first.replace(_RETURN, ' ')} {rest}" if is_number else match.group()


def _is_mobile(written: str) -> bool:
    number = _read(written)
    return number is not None and number.country_code != _NORTH_AMERICA and numbering.is_mobile(*number)


def _is_whole(written: str) -> bool:
    number = _read(written)
    return number is not None and numbering.is_assigned(*number)


def _read(written: str) -> numbering.International | None:
    digits = _NOT_DIGITS.sub("", written)
    if digits.startswith("0") and not digits.startswith("00"):
        return numbering.International(_TURKEY, digits[1:])
    return numbering.international(digits.removeprefix("00") or "0")
