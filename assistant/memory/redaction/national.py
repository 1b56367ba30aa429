"""Which groups of digits without a plus or a leading zero are telephones: a table by country, then the words around.

Shape alone decides little here, so each row says how people of that country group the digits and how sure one can be.
"""

import re
from functools import cache, lru_cache
from typing import Final, NamedTuple

from assistant.memory.redaction import codes, numbering, surroundings
from assistant.memory.redaction.figures import are_scores, is_binary, is_counting, is_figure, is_row
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import View


class Habit(NamedTuple):
    """How numbers of one kind are written: their digits, the lengths of groups, and what else must hold."""

    digits: str
    groups: re.Pattern[str]
    country_code: int | None = None  # must be assigned there


def _habit(digits: str, groups: str, country_code: int | None = None) -> Habit:
    return Habit(digits, compiled(groups), country_code)


HABITS: Final = (
    # Turkey and Northern Cyprus without the zero
    _habit(r"5\d{2}(?!000)\d{7}", r"3( \d)+"),
    _habit(r"5\d{9}", r"10|4 3 3|4 2 2 2|4 6|2 2 2 2 2|2 4 4|2 3 5", 90),
    _habit(r"392\d{7}", r"10|3( \d)+"),
    _habit(r"[2-4]\d{9}", r"3 3 2 2|3 7", 90),
    _habit(r"444\d{4}", r"3 1 3|3 2 2|3 4|7", 90),
    # Greece and Cyprus
    _habit(r"69\d{8}", r"10|2 .*|3 .*|4 .*|5 .*"),
    _habit(r"2\d{9}", r"10|3 7|3 3 4|3 4 3|2 4 4|4 6|4 3 3|3 3 2 2|3 2 2 3|4 2 2 2|5 5", 30),
    _habit(r"9[4-79]\d{4}(?!00)\d{2}", r"8|2 6|2 3 3|2 2 2 2|4 4|5 3|2 4 2|3 5|3 2 3"),
    _habit(r"9[4-79]\d{6}", r"8|2 6|2 2 2 2"),
    _habit(r"2[2-6]\d{4}(?!00)\d{2}", r"2 6|2 2 2 2|2 3 3"),
    # Russia and Kazakhstan
    _habit(r"[78]9\d{9}", r"11|1 10|1 3 .*|4 .*"),
    _habit(r"[78][3-8]\d{9}", r"1 3 3 2 2|1 3 3 4|1 3 7|1 4 2 2 2|1 4 3 3|1 4 6"),
    _habit(r"8[348]\d{9}", r"11"),
    _habit(r"9\d{9}", r"3 3 2 2"),
    # North America
    _habit(r"[2-9]\d{2}[2-9]\d{6}", r"3 3 4|3 7"),
    _habit(r"1[2-9]\d{2}[2-9]\d{6}", r"1 3 3 4|1 3 7|1 10"),
    # Britain, China
    _habit(r"7[1-9]\d{8}", r"4 6|4 3 3", 44),
    _habit(r"1[3-9]\d{9}", r"3 4 4", 86),
    # Norway, Spain, Poland, Italy: groups that amounts are not written in, or mobile numbers
    _habit(r"[49]\d{7}", r"3 2 3", 47),
    _habit(r"[67]\d{8}", r"3 2 2 2", 34),
    _habit(r"(?!\d*00(?:\d{3}){0,2}$)[67]\d{8}", r"3 3 3", 34),
    _habit(r"(?!\d*00(?:\d{3}){0,2}$)(?:5[0137]|6[069]|7[2389]|88)\d{7}", r"3 3 3", 48),
    _habit(r"3[2-9]\d{8}", r"3 3 4|3 7", 39),
    # Fixed lines of Northern Cyprus without their area
    _habit(r"(?:22\d|36[56]|37\d|71\d|72\d|8[12]\d)(?!000)\d{4}", r"3 2 2"),
)
# Country codes people write without the plus.
COUNTRY_CODES: Final = ("90", "357", "44", "49", "30", "7", "380", "972", "98", "994", "993", "998", "964", "33")
_LENGTHS: Final = range(7, 14)
_LONG: Final = 10
_TWO_NUMBERS: Final = 20
_LENGTH_OF_AREA: Final = 3
_PAIRS: Final = compiled(r"2(?: 2){3,}")
_SURE_IN_PAIRS: Final = compiled(r"\d{8}|5\d{9}|69\d{8}")
_IRAN: Final = 98  # the plan has every number with a nine for a mobile
_LENGTH_OF_CODE: Final = 2
_FROM_RUSSIA: Final = "810"
_SHORTEST_FROM_RUSSIA: Final = 13
_SHORTEST_GLUED: Final = 14
_ONE_BY_ONE: Final = compiled(r"1(?: 1)*")
_EDGE: Final = 8
_FEWEST_GAPS: Final = 2
_THOUSAND: Final = 3
_NORTH_CYPRUS_FIXED: Final = "392"
_GROUP: Final = compiled(r"\d+")
_HEIGHT_WEIGHT_AGE: Final = compiled(r"(?:1[4-9]|20)\d[ ][4-9]\d[ ][1-6]\d(?!\d)")


def end_of_national(view: View, match: re.Match[str]) -> int | None:
    """Return where the number ends (it is the whole match), or None if the match is none."""
    written = match.group()
    groups = [written] if written.isdigit() else _GROUP.findall(written)
    digits = "".join(groups)
    if digits.startswith(_FROM_RUSSIA) and len(digits) >= _SHORTEST_FROM_RUSSIA:
        return _end_from_russia(view, match, groups)
    if len(digits) not in _LENGTHS or is_figure(written, digits):
        return None
    lengths = " ".join([str(len(group)) for group in groups])
    return _judged(view, match, digits, lengths)


def _end_from_russia(view: View, match: re.Match[str], groups: list[str]) -> int | None:
    """Return where a number ends that is dialled abroad from Russia: "8 10 44 7911 123456"."""
    text, start = view.text, match.start()
    if surroundings.is_identified(text, start) or codes.is_part_of_code(view, start, match.end()):
        return None
    if len(groups) == 1:
        number = numbering.after_exit_code(groups[0])
        is_number = number and len(groups[0]) >= _SHORTEST_GLUED and numbering.is_mobile(*number)
        return match.end() if is_number else None
    if groups[0] + groups[1] != _FROM_RUSSIA and not groups[0].startswith(_FROM_RUSSIA):
        return None
    are_pairs = {len(group) for group in groups[1:]} == {_LENGTH_OF_CODE}
    if are_pairs and not surroundings.is_announced(text, start, match.end()):
        return None
    ends = [group.end() for group in _GROUP.finditer(text, start, match.end())]
    whole = (end for digits, end in _heads(groups, ends) if numbering.after_exit_code(digits))
    return next(whole, None)


def _heads(groups: list[str], ends: list[int]) -> list[tuple[str, int]]:
    """Return the digits of ever fewer groups, and where they end."""
    return [("".join(groups[:count]), ends[count - 1]) for count in range(len(groups), 0, -1)]


def end_among_others(view: View, match: re.Match[str]) -> int | None:
    """Return where the number ends, or several mobile numbers without anything between."""
    is_glued = match.end() - match.start() >= _TWO_NUMBERS
    return match.end() if is_glued else end_of_national(view, match)


def end_of_single_digits(view: View, match: re.Match[str]) -> int | None:
    """Return where a number written digit by digit ends: it must be one as well when written together."""
    digits = "".join(_GROUP.findall(match.group()))
    if is_counting(digits) or is_binary(digits):
        return None
    if are_scores(match.group()) and not surroundings.is_announced(view.text, *match.span()):
        return None
    if digits[0] == "0":
        return match.end() if numbering.is_assigned_after_zero(digits[1:]) else None
    return _judged(view, match, digits, str(len(digits)))


def _judged(view: View, match: re.Match[str], digits: str, lengths: str) -> int | None:
    text, start, end = view.text, match.start(), match.end()
    is_number = numbers_grouped(lengths).fullmatch(digits) and not is_counting(digits)
    if (not is_number or (_PAIRS.fullmatch(lengths) and not _is_likely_in_pairs(digits))) and (
        _ONE_BY_ONE.fullmatch(lengths)
        or not (surroundings.is_announced(text, start, end) or _is_all_there_is(text, start, end, lengths))
    ):
        return None
    is_something_else = (
        surroundings.is_identified(text, start)
        or surroundings.is_amount(text, start, end)
        or (len(digits) < _LONG and surroundings.is_measure(text, end))
        or codes.is_part_of_code(view, start, end)
    )
    return None if is_something_else else end


def _is_likely_in_pairs(digits: str) -> bool:
    """Say whether pairs of digits are rather a number than marks, ages or days."""
    if is_row(digits):
        return False
    code = int(digits[:_LENGTH_OF_CODE])
    return _SURE_IN_PAIRS.fullmatch(digits) is not None or (
        code != _IRAN and numbering.is_mobile(code, digits[_LENGTH_OF_CODE:])
    )


def _is_all_there_is(text: str, start: int, end: int, lengths: str) -> bool:
    """Say whether a message is nothing but groups of digits, as the answer to "your number?" is."""
    if text[max(0, start - _EDGE) : start].strip(" (") or text[end : end + _EDGE].strip(" .!)\n"):
        return False
    first, *rest = map(int, lengths.split())
    is_sum = 1 in rest or first == 1 or (first <= _THOUSAND and set(rest) == {_THOUSAND})
    is_body = _HEIGHT_WEIGHT_AGE.match(text, start) is not None
    return len(rest) >= _FEWEST_GAPS and not is_sum and not is_body and first + sum(rest) < _LONG


@lru_cache(maxsize=4096)
def numbers_grouped(lengths: str) -> re.Pattern[str]:
    """Return what the digits of numbers are like that are written in groups of these lengths ("3 3 2 2")."""
    habits = tuple([place for place, habit in enumerate(HABITS) if habit.groups.fullmatch(lengths)])
    first, total = int(lengths.partition(" ")[0]), sum(map(int, lengths.split()))
    apart = tuple([code for code in COUNTRY_CODES if len(code) == first])
    joined = tuple([code for code in COUNTRY_CODES if first in {total, len(code) + _LENGTH_OF_AREA}])
    return _numbers(habits, apart, joined)


@cache
def _numbers(habits: tuple[int, ...], apart: tuple[str, ...], joined: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern for any of these habits, for these country codes standing apart, and for mobiles after these."""
    forms = [
        *(_with_plan(HABITS[place].digits, HABITS[place].country_code) for place in habits),
        *(f"{code}(?:{numbering.plan(int(code)).any_number.pattern})" for code in apart),
        *(f"{code}(?:{numbering.plan(int(code)).mobile.pattern})" for code in joined),
        *(f"{code}(?={_NORTH_CYPRUS_FIXED})(?:{numbering.plan(int(code)).any_number.pattern})" for code in joined),
    ]
    return compiled("|".join(f"(?:{form})" for form in forms) or "(?!)")


def _with_plan(digits: str, country_code: int | None) -> str:
    """Return a pattern for digits that are also assigned in the country, if one is given."""
    return digits if country_code is None else rf"(?={digits}\Z)(?:{numbering.plan(country_code).any_number.pattern})"
