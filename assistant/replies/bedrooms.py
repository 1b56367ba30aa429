"""Counts of bedrooms in folded text, as they are written in English and Turkish; knows no other slot."""

import re
from collections.abc import Iterator

from assistant.replies.mentions import Mention
from assistant.replies.money import CHANGED_FROM
from assistant.replies.text import clause_before
from assistant.replies.values import MANY_BEDROOMS

NUMBER_WORDS: dict[str, int] = {
    **{word: n for n, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight"], start=1)},
    **{word: n for n, word in enumerate(["bir", "iki", "uc", "dort", "bes", "alti", "yedi", "sekiz"], start=1)},
    "single": 1,
    "tek": 1,
}
MOST_ROOMS = 12

_COUNT = rf"(?:[0-9]{{1,2}}|{'|'.join(NUMBER_WORDS)})"
_START = r"(?<![\w.,+£€$₺])"
_BED = (
    r"(?:bed ?rooms?|bedrooms?|bed|beds|bd|bds|br|brs|bdr|bdrm|bdrms|bhk|rooms?|yatak odali\w{0,3}"
    r"|yatak odasi\w{0,3}|yatakli|odali\w{0,3}|oda)(?![a-z0-9])"
)
_AT_LEAST = r"(?:(?P<least>at least|minimum(?: of)?|min|en az) )?"
_AT_MOST = r"(?:(?P<most>at most|maximum(?: of)?|max|up to|en fazla) )?"

_PATTERNS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_START}{_AT_LEAST}{_AT_MOST}(?P<n>[0-9]) ?\+ ?(?P<halls>[0-2])(?![0-9+])",
        rf"{_START}(?P<n>{_COUNT})(?: ?- ?| to | or | veya | ya da | ile )(?P<to>{_COUNT})[ -]?{_BED}",
        rf"{_START}{_AT_LEAST}{_AT_MOST}(?P<n>{_COUNT})(?P<plus> ?\+ ?| or more "
        rf"| and more )?[ -]?{_BED}(?P<more> or more| and up| ve uzeri)?",
        rf"\b(?:bed ?rooms?|yatak odasi|oda sayisi)(?: ?[:=] ?| (?:count|number)? ?(?:is|are"
        rf"|of) (?:at least )?)(?P<n>{_COUNT})(?![\w.,])",
    )
)
_BARE = re.compile(
    rf"^(?:(?:no|actually|sorry|make it|say|just|hayir|aslinda"
    rf"|yok)[ ,;]{{1,3}}){{0,3}}(?P<n>{_COUNT})(?: (?:please|lutfen|olsun|actually))?[ .!]*$"
)


def bedroom_mentions(folded: str) -> Iterator[Mention]:
    """Yield each count as a mention of `(least, most)`, where `most` None means exactly `least`."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(folded):
            counted = _counted(folded, match)
            if counted:
                yield Mention("bedrooms", counted, match.start(), match.end())


def bare_count(folded: str) -> int | None:
    """Return the number of a message that is nothing but a small number (`no, 3`)."""
    match = _BARE.match(folded)
    count = _count(match["n"]) if match else None
    return count if count is not None and 0 < count <= MOST_ROOMS else None


def _counted(folded: str, match: re.Match[str]) -> tuple[int, int | None] | None:
    groups = match.groupdict()
    low = _count(match["n"])
    if not 0 <= low <= MOST_ROOMS:
        return None
    if groups.get("to"):
        high = _count(match["to"])
        if CHANGED_FROM.search(clause_before(folded, match.start())):
            return high, None
        return (low, high) if low < high <= MOST_ROOMS else (high, None)
    if groups.get("most"):
        return min(1, low), low
    open_ended = groups.get("least") or groups.get("plus") or groups.get("more")
    if open_ended or clause_before(folded, match.start()).endswith(("more than ", "at least ")):
        return low, MANY_BEDROOMS
    return (0, None) if groups.get("halls") == "0" else (low, None)


def _count(said: str) -> int:
    return NUMBER_WORDS[said] if said in NUMBER_WORDS else int(said)
