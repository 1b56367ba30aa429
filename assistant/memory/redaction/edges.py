"""What belongs to a number that has been found, beside its digits: brackets, odd beginnings, a second ending.

Knows nothing of what makes it a number.
"""

from typing import Final

from assistant.memory.redaction import surroundings
from assistant.memory.redaction.patterns import compiled

_BRACKETS: Final = {"(": ")", "[": "]"}
OPENINGS: Final = frozenset({*_BRACKETS, "0"})
_PLUS_TOO_LATE: Final = compiled(r"(?<![\w+])90(?=\+5)")
SECOND_ENDING_SIGNS: Final = frozenset("/-")
_SECOND_ENDING: Final = compiled(r"(?<=\d\d)(?:(?:/\d\d){1,3}+|(?:-\d\d){1,3}+)(?![\d/-])")


def with_opening(text: str, start: int, end: int) -> int:
    """Take in what opens right before a number: a bracket that closes inside it, "90+533"."""
    opens = text[start - 1]
    if opens in _BRACKETS:
        return start - 1 if text.count(_BRACKETS[opens], start, end) > text.count(opens, start, end) else start
    return start - 2 if start > 1 and _PLUS_TOO_LATE.match(text, start - 2) else start


def with_second_ending(text: str, end: int) -> int:
    """Take in the last two digits of the next lines of the same people: "0533 851 73 20/21", "…20-21"."""
    second = _SECOND_ENDING.match(text, end)
    if second and (surroundings.ends_a_clause(text, second.end()) or surroundings.speaks_of_both(text, second.end())):
        return second.end()
    return end
