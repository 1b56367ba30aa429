"""What a candidate for a number can be cut to: its first groups of digits; and which of several ends is the number's.

Knows nothing of numbering plans: others say which of the prefixes are numbers.
"""

from typing import Final, NamedTuple

from assistant.memory.redaction import surroundings
from assistant.memory.redaction.patterns import compiled

_GROUP: Final = compiled(r"\d+")
SHORTEST: Final = 7
_WHOLE: Final = 10
_EVEN: Final = range(2, 4)
_FEWEST_EVEN: Final = 2


class Prefix(NamedTuple):
    """The first digit groups of a candidate: where they end, their digits, their lengths."""

    end: int
    digits: str
    groups: tuple[int, ...]


def prefixes_of(text: str, start: int, end: int) -> list[Prefix]:
    """Return what the candidate can be cut to, longest first: a number ends where one of its digit groups ends."""
    written = _GROUP.findall(text, start, end)
    ends = [group.end() for group in _GROUP.finditer(text, start, end)]
    if text[end : end + 1].isdigit():
        written.pop()
    digits, groups = "".join(written), tuple(map(len, written))
    prefixes, size = [], len(digits)
    for count in range(len(groups), 0, -1):
        if size < SHORTEST:
            break
        prefixes.append(Prefix(ends[count - 1], digits[:size], groups[:count]))
        size -= groups[count - 1]
    return prefixes


def without_tail(text: str, prefixes: list[Prefix]) -> Prefix:
    """Return the longest number; the next where its last group opens something else; the first where that is whole."""
    shortest = prefixes[-1]
    if len(shortest.groups) == 1 and len(shortest.digits) >= _WHOLE:
        return shortest
    longest, *others = prefixes
    last = longest.groups[-1]
    is_tail = (last == 1 and not _is_even(text, longest)) or surroundings.takes_the_last_group(text, longest.end, last)
    return others[0] if is_tail and others and others[0].groups == longest.groups[:-1] else longest


def _is_even(text: str, prefix: Prefix) -> bool:
    """Say whether one digit is left over of even groups, and nothing follows that it could count: "123 456 7."."""
    even = prefix.groups[1:-1]
    kinds = {len(set(groups)) for groups in (even, even[1:]) if len(groups) >= _FEWEST_EVEN}
    return 1 in kinds and even[-1] in _EVEN and surroundings.ends_a_clause(text, prefix.end)


def with_digit_left_over(text: str, number: Prefix, prefixes: list[Prefix]) -> Prefix:
    """Return the number with the one digit that goes on with its even groups: "+44 7000 846 172 9"."""
    longer = [p for p in prefixes if p.groups[:-1] == number.groups and p.groups[-1] == 1]
    return longer[0] if longer and _is_even(text, longer[0]) else number
