"""Which digit strings are written as dates, sums, ranges or counting rather than as a number somebody dials."""

from itertools import pairwise
from typing import Final

from assistant.memory.redaction.patterns import compiled

_DATE: Final = compiled(
    r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{2}"
)
_DAY_LENGTH: Final = 8
_ROUND: Final = compiled(r"\d+0{5}|\d{1,6}000")
_TWO_PARTS: Final = compiled(r"(\d+)(?:[.]|([-/]))(\d+)")
_THOUSANDS: Final = compiled(r"(?=.*\D000(?!\d))\d{1,3}(?:\D{1,3}\d{3})+")
_MILLIONS: Final = compiled(r"\d{1,3}(?:([.,'])\d{3})(?:\1\d{3})+")
_DIALLED: Final = compiled(r"(?:90)?5\d{9}")
_PAIR: Final = 2
_LAST_DAY: Final = 31
_WIDEST_STEP: Final = 10
_BITS: Final = "01"
_SCORES: Final = compiled(r"\d([\-/])\d[ ](?:\d\1\d[ ])+\d\1\d")
_COUNTED: Final = "01234567890123 98765432109876"


def is_figure(written: str, digits: str) -> bool:
    """Say whether digits are written as a date, a decimal, a sum of thousands or a range."""
    if is_date(digits) or (digits.endswith("000") and _ROUND.fullmatch(digits)):
        return True
    if len(written) == len(digits):  # what follows needs a separator
        return False
    if _MILLIONS.fullmatch(written):
        return True
    return _DIALLED.fullmatch(digits) is None and (
        _is_two_figures(written) or _THOUSANDS.fullmatch(written) is not None
    )


def is_date(digits: str) -> bool:
    """Say whether eight digits are a day: 20251102 or 02112025."""
    return len(digits) == _DAY_LENGTH and _DATE.fullmatch(digits) is not None


def is_counting(digits: str) -> bool:
    """Say whether the digits count up or down."""
    return digits in _COUNTED


def is_row(digits: str) -> bool:
    """Say whether digits written in pairs are days that follow one another, or go up or down by equal steps."""
    pairs = [int(digits[place : place + _PAIR]) for place in range(0, len(digits), _PAIR)]
    steps = {after - before for before, after in pairwise(pairs)}
    are_equal = len(steps) == 1 and 0 < abs(min(steps)) <= _WIDEST_STEP
    return are_equal or (min(steps) > 0 and pairs[-1] <= _LAST_DAY)


def is_binary(digits: str) -> bool:
    """Say whether there is no digit but 0 and 1."""
    return not digits.strip(_BITS)


def are_scores(written: str) -> bool:
    """Say whether two signs take turns between single digits, as in "2-1 3-0 1-1 4-2"."""
    return _SCORES.fullmatch(written) is not None


def _is_two_figures(written: str) -> bool:
    """Say whether two parts are a decimal ("35.126413") or a range of equals ("2200-2500")."""
    parts = _TWO_PARTS.fullmatch(written)
    return parts is not None and (parts[2] is None or len(parts[1]) == len(parts[3]))
