"""Telephone numbers that line ends part: "+90 533" above "851 73 20"; knows nothing of columns of other numbers.

Takes lines for one number only where the first is too short for one and all together are a mobile number that is
assigned today; more than two lines only where they hold nothing but one or two groups of digits each.
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
# The first line ends in digits with a plus or zero before them, the others are one group or two.
_COLUMN: Final = compiled(
    r"[+0](?:(?<=\A.)|(?<=\n.)|(?<=: .))\d{0,5}(?:[ ]\d{2,4})?"
    r"(?:[ ]?\r?\n[ ]?(?!0\d\d)\d{2,7}(?:[ ]\d{2,4})?(?=[ ]?(?:[\r\n]|\Z))){2,5}+"
)
_FEWEST_LINES: Final = 3
_BRITAIN: Final = 44
_BRITISH_MOBILE: Final = "07"


def may_part_numbers(text: str) -> bool:
    """Say whether a folded text has a line end between digits."""
    return "\n" in text and _BETWEEN_DIGITS.search(text) is not None


def with_broken_numbers_joined(view: View) -> View:
    """Return the view with a space for each line end inside a mobile number."""
    if not may_part_numbers(view.text):
        return view
    return view.masked(_COLUMN, _column_joined).masked(_BROKEN, _joined)


def _column_joined(match: re.Match[str]) -> str:
    """Return as many of the lines as one number as make one, the others as they were."""
    lines = match.group().split("\n")
    for count in range(len(lines), _FEWEST_LINES - 1, -1):
        if _is_mobile("".join(lines[:count])) and not _is_whole(lines[0]):
            return "\n".join([" ".join(lines[:count]).replace(_RETURN, " "), *lines[count:]])
    return match.group()


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
        return numbering.International(_BRITAIN if digits.startswith(_BRITISH_MOBILE) else _TURKEY, digits[1:])
    return numbering.international(digits.removeprefix("00") or "0")
