"""Where a number written with a plus or a leading zero ends, and whether it is one.

Knows the rules of writing (trunk zeros, `00`, "(0)"); asks `numbering` what today's plans assign, and beyond them
accepts what has a telephone's shape, because plans grow.
"""

import re
from typing import Final

from assistant.memory.redaction import codes, numbering, surroundings
from assistant.memory.redaction.figures import is_binary, is_counting, is_date, is_row
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.prefixes import SHORTEST, Prefix, prefixes_of, with_digit_left_over, without_tail
from assistant.memory.redaction.views import View

_TURKISH: Final = compiled(r"0[2-589]\d{9}")
_BRITISH_MOBILE: Final = compiled(r"07[1-9]\d{8}")
_TURKISH_MOBILE: Final = compiled(r"05\d{9}")
# The commonest number of all, in groups: nothing that is asked of the others could say no.
_GROUPED_MOBILE: Final = compiled(r"05\d\d[ .\-/()]{1,3}\d{3}[ .\-/()]{0,3}\d\d[ .\-/()]{0,3}\d\d(?!\d)")
# A zero that stands apart, before a code in brackets; and how the British write their mobiles after one.
_ZERO_AND_BRACKET: Final = compiled(r"0[ ]?\(\d{2,5}\)")
_BRITISH_GROUPS: Final = frozenset({(1, 4, 6), (1, 4, 3, 3), (1, 3, 3, 4), (1, 10)})
_GROUPS_OF_FILES: Final = (2, 4, 4)  # "file 01-2345-6789": more than a word for telephones is said before those
_EXIT_CODE: Final = "011"
_SHORTEST_GLUED: Final = 14  # an exit code, a country code and a mobile number
_MOBILE_AREA: Final = "05"
_ANOTHER_MOBILE: Final = compiled(rf"(?<!\d){_GROUPED_MOBILE.pattern}")
_SHAPED: Final = compiled(r"0[1-9]\d{8,9}")
_SHORTEST_UNKNOWN: Final = 9
_SHORTEST_WHOLE: Final = 10
_LONGEST: Final = 15
_NATIONAL_LENGTHS: Final = range(9, 14)
_SHORTEST_ANNOUNCED: Final = 8
_LONGEST_CODE: Final = 3
_PARTS_OF_DECIMAL: Final = 2
_PAIR: Final = 2
_TURKISH_GROUPS: Final = frozenset({(4, 3, 2, 2), (4, 3, 4)})
_TURKEY: Final = 90


def end_of_prefixed(view: View, match: re.Match[str]) -> int | None:
    """Return where the number that starts with the match ends, or None if there is none."""
    text, start = view.text, match.start()
    quick = _GROUPED_MOBILE.match(text, start)
    if quick:
        return quick.end()
    prefixes = prefixes_of(text, start, match.end())
    if not prefixes:
        return None
    if text[start] == "+":
        return _end_after_plus(text, start, prefixes)
    if text[start + 1] == "0":
        return _end_after_double_zero(view, start, prefixes)
    end = _end_after_zero(view, start, prefixes)
    return end if end is None or text.find(_MOBILE_AREA, start + 1, end) < 0 else _end_before_another(view, start, end)


def _end_before_another(view: View, start: int, end: int) -> int | None:
    """Return where a number ends that may have taken in the first digits of a mobile number: "25. 0533 123 45 67"."""
    other = _ANOTHER_MOBILE.search(view.text, start + 1, end + _LONGEST)
    if not other or other.start() >= end:
        return end
    before = prefixes_of(view.text, start, other.start())
    return _end_after_zero(view, start, before) if before else None


def _end_after_plus(text: str, start: int, prefixes: list[Prefix]) -> int | None:
    numbers = [(p, _international(p)) for p in prefixes if len(p.digits) >= SHORTEST]
    assigned = [p for p, number in numbers if number and numbering.is_assigned(*number)]
    if assigned:
        return with_digit_left_over(text, without_tail(text, assigned), prefixes).end
    possible = [p for p, number in numbers if number and numbering.has_length_of(*number)]
    shaped = [p for p, _ in numbers if _SHORTEST_UNKNOWN <= len(p.digits) <= _LONGEST]
    # A short one, of digits that go on, is half of a number of no plan: "+44 7911 123 4567".
    is_whole = bool(possible) and (len(possible[0].digits) >= _SHORTEST_WHOLE or possible[0] == prefixes[0])
    likely = [p for p in (possible if is_whole else shaped) if not _is_quantity(text, start, p)]
    return without_tail(text, likely).end if likely else None


def _end_after_double_zero(view: View, start: int, prefixes: list[Prefix]) -> int | None:
    text = view.text
    if is_binary(prefixes[0].digits):
        return None
    numbers = [(p, _international(p)) for p in prefixes if len(p.digits) > _SHORTEST_UNKNOWN]
    assigned = [p for p, number in numbers if number and numbering.is_assigned(*number)]
    possible = [p for p, number in numbers if number and numbering.has_length_of(*number) and len(p.groups) > 1]
    if not assigned and not possible:
        return None
    number = without_tail(text, assigned or possible)
    read = _international(number)
    is_mobile = read is not None and read.country_code == _TURKEY and numbering.is_mobile(*read)
    if is_mobile:
        return number.end
    is_other = _is_code(view, start, number.end) if len(number.groups) == 1 else _is_numbered(text, start, number)
    return None if is_other else number.end


def _end_after_exit_code(view: View, start: int, prefixes: list[Prefix]) -> int | None:
    """Return where a number ends that is dialled abroad from North America: "011 44 7911 123456"."""
    numbers = [(p, numbering.after_exit_code(p.digits)) for p in prefixes]
    assigned = [(p, number) for p, number in numbers if number]
    if not assigned:
        return None
    whole, number = assigned[0]
    if len(whole.groups) > 1:
        return without_tail(view.text, [p for p, _ in assigned]).end if whole.groups[0] == len(_EXIT_CODE) else None
    is_mobile = len(whole.digits) >= _SHORTEST_GLUED and numbering.is_mobile(*number)
    return whole.end if is_mobile and not _is_code(view, start, whole.end) else None


def _international(prefix: Prefix) -> numbering.International | None:
    """Read "+44 (0)20 …" and "0090 …" as country code and number."""
    return numbering.international(prefix.digits.removeprefix("00") or "0")


def _is_quantity(text: str, start: int, prefix: Prefix) -> bool:
    """Say whether a signed number reads as an amount ("+1 500 000") or a coordinate ("+35.126413")."""
    thousands = set(prefix.groups[1:]) == {3} and prefix.digits.endswith("000")
    decimal = prefix.groups[0] <= _LONGEST_CODE and len(prefix.groups) == _PARTS_OF_DECIMAL
    return thousands or (decimal and "." in text[start : prefix.end])


def _end_after_zero(view: View, start: int, prefixes: list[Prefix]) -> int | None:
    if prefixes[0].digits.startswith(_EXIT_CODE):
        abroad = _end_after_exit_code(view, start, prefixes)
        if abroad:
            return abroad
    national = [p for p in prefixes if len(p.digits) in _NATIONAL_LENGTHS]
    if not national and surroundings.is_announced(view.text, start, prefixes[0].end):
        national = [p for p in prefixes if len(p.digits) == _SHORTEST_ANNOUNCED]
    # Today's plans are many; they are asked only where they decide which of several ends is the number's.
    by_plan = (_is_shaped, _is_assigned) if len(national) == 1 else (_is_assigned, _is_shaped)
    for is_number in (_is_turkish, *by_plan):
        numbers = [p for p in national if is_number(p, prefixes[0])]
        if numbers:
            number = without_tail(view.text, numbers)
            return None if _is_something_else(view, start, number) else number.end
    return _end_after_lone_zero(view, start, national) if prefixes[0].groups[0] == 1 else None


def _end_after_lone_zero(view: View, start: int, national: list[Prefix]) -> int | None:
    """Return where a number ends whose zero stands alone: "0 (171) 1234567", or "0 171 1234567" where announced."""
    text = view.text
    numbers = [p for p in national if numbering.is_assigned_after_zero(p.digits[1:])]
    if not numbers:
        return None
    number = next(filter(_is_british_mobile, numbers), None) or without_tail(text, numbers)
    is_number = (
        _ZERO_AND_BRACKET.match(text, start)
        or (_is_british_mobile(number) and not text[max(0, start - 2) : start].rstrip()[-1:].isdigit())
        or surroundings.is_announced(text, start, number.end)
    )
    return number.end if is_number and not _is_something_else(view, start, number) else None


def _is_british_mobile(prefix: Prefix) -> bool:
    return prefix.groups in _BRITISH_GROUPS and _BRITISH_MOBILE.fullmatch(prefix.digits) is not None


def _is_turkish(prefix: Prefix, _longest: Prefix) -> bool:
    return _TURKISH.fullmatch(prefix.digits) is not None


def _is_assigned(prefix: Prefix, longest: Prefix) -> bool:
    pairs_go_on = set(longest.groups) == {_PAIR} and longest != prefix
    return prefix.groups[0] > 1 and not pairs_go_on and numbering.is_assigned_after_zero(prefix.digits[1:])


def _is_shaped(prefix: Prefix, longest: Prefix) -> bool:
    pairs = set(longest.groups) == {_PAIR}
    return prefix.groups[0] > 1 and not pairs and _SHAPED.fullmatch(prefix.digits) is not None


def _is_something_else(view: View, start: int, prefix: Prefix) -> bool:
    """Say whether digits after a zero are in a list of pairs, a decimal fraction, an identifier or part of a code."""
    text, is_whole = view.text, len(prefix.groups) == 1
    if is_binary(prefix.digits) or _is_in_a_list(text, start, prefix) or _is_numbered(text, start, prefix):
        return True
    if text[start + 1] == "." and prefix.groups[0] == 1 and len(prefix.groups) == _PARTS_OF_DECIMAL:
        return True
    if _TURKISH_MOBILE.fullmatch(prefix.digits):
        return is_whole and codes.is_in_hash(text, start, prefix.end)
    if is_whole and is_date(prefix.digits):
        return True
    if is_whole and is_counting(prefix.digits):
        return not surroundings.is_announced(text, start, prefix.end)
    return is_whole and _is_code(view, start, prefix.end)


def _is_in_a_list(text: str, start: int, prefix: Prefix) -> bool:
    if prefix.groups[-1] != _PAIR or set(prefix.groups) != {_PAIR}:
        return False
    if text[max(0, start - 2) : start - 1].isdigit() or surroundings.is_identified(text, start):
        return True
    return is_row(prefix.digits) and not surroundings.is_announced(text, start, prefix.end)


def _is_numbered(text: str, start: int, prefix: Prefix) -> bool:
    """Say whether groups of digits are what "meter no" or "file number" names; nobody groups those as Turks do."""
    if prefix.groups == _GROUPS_OF_FILES and surroundings.is_identified(text, start):
        return True
    return len(prefix.groups) > 1 and prefix.groups not in _TURKISH_GROUPS and surroundings.is_numbered(text, start)


def _is_code(view: View, start: int, end: int) -> bool:
    return (
        surroundings.is_identified(view.text, start)
        or codes.is_part_of_code(view, start, end)
        or codes.ends_in_a_letter(view.text, end)
    )
