"""What belongs to a number that has been found, beside its digits: brackets, odd beginnings, a second ending.

Knows nothing of what makes it a number.
"""

from typing import Final

from assistant.memory.redaction import surroundings
from assistant.memory.redaction.patterns import compiled

_BRACKETS: Final = {"(": ")", "[": "]"}
_AFTER_ODD_OPENING: Final = {")": compiled(r"90[ ]?5"), "0": compiled(r"\+5")}
OPENINGS: Final = frozenset({*_BRACKETS, *_AFTER_ODD_OPENING})
_ODD_OPENING: Final = compiled(r"(?<![\w+(])(?:0\(0\)|90)\Z")
_LONGEST_OPENING: Final = 6  # of "0(0)", and what must not stand before it
_SECOND_ENDING: Final = compiled(r"(?<=\d\d)/\d\d(?!\d)")


def with_opening(text: str, start: int, end: int) -> int:
    """Take in what opens right before a number: a bracket that closes inside it, "0(0)90", "90+533"."""
    opens = text[start - 1]
    if opens in _BRACKETS:
        return start - 1 if text.count(_BRACKETS[opens], start, end) > text.count(opens, start, end) else start
    first = max(0, start - _LONGEST_OPENING)
    odd = _ODD_OPENING.search(text[first:start]) if _AFTER_ODD_OPENING[opens].match(text, start) else None
    return first + odd.start() if odd else start


def with_second_ending(text: str, end: int) -> int:
    """Take in the last two digits of the next line of the same people: "0533 851 73 20/21"."""
    second = _SECOND_ENDING.match(text, end)
    if second and (surroundings.ends_a_clause(text, second.end()) or surroundings.speaks_of_both(text, second.end())):
        return second.end()
    return end
