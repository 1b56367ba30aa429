"""What the characters around a number say of it: announced as a telephone, an amount, an identifier, part of a token.

Looks at most a few dozen characters away; knows no numbering plan.
"""

from typing import Final

from assistant.memory.redaction import phone_words as known
from assistant.memory.redaction.folding import fold
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.wordlists import any_of

_BEFORE: Final = 48
_AFTER: Final = 28
_SYMBOLS: Final = "[£€$₺₽]"
_MONEY_SIGNS: Final = frozenset(_SYMBOLS[1:-1])
_SIGNS: Final = "☎☏📞📱📲"
_ANNOUNCED: Final = compiled(rf"(?:(?<!\w)(?:{known.TELEPHONE})(?!\w)|[{_SIGNS}])(?P<gap>[^\d\n!?;]{{0,30}})\Z")
_ANNOUNCED_LATER: Final = compiled(rf"[^\d\n!?;,]{{0,18}}?(?:(?<!\w)(?:{known.TELEPHONE})(?!\w)|[{_SIGNS}])")
_TURNS_AWAY: Final = compiled(rf"(?<!\w)(?:{known.TURNING_AWAY})(?!\w)|{_SYMBOLS}")
_IDENTIFIED: Final = compiled(
    rf"(?:(?<![^\W_])(?:{known.IDENTIFIER})(?:'?[^\W\d_]{{1,4}})?(?:[\s:#.=/(_-]{{1,3}}(?:{known.NUMBER})){{0,2}}"
    r"|[#№](?![^\S\n]*\n))[\s:#.=/(\"'_-]{0,3}\Z"
)
_JOINING: Final = " \t:#.=/(\"'_-"
_NUMBER_ITSELF: Final = tuple(map(fold, known.NUMBER_ITSELF.split()))
_NUMBERED: Final = compiled(
    rf"(?<![^\W_])(?:(?P<of_person>{known.CUSTOMER})|{known.IDENTIFIER})(?:'?[^\W\d_]{{1,4}})?"
    rf"[\s:#./_-]{{1,3}}(?:{any_of(_NUMBER_ITSELF)})\Z"
)
_COMPOUND: Final = compiled(r"(?P<stem>[^\W\d_]{3,24}?)s?(?:nummer|nr)\Z")
_IN_COMPOUNDS: Final = ("nummer", "nr")
_OF_TELEPHONE: Final = compiled(rf"(?:{known.TELEPHONE_IN_COMPOUND})")
_CLAUSE_ENDS: Final = compiled(r"[ ]?(?:\Z|[\n)!?;]|[.](?!\S)|,(?!\d))")
_BOTH_FOLLOW: Final = compiled(rf"[ ](?:{known.BOTH})(?!\w)")
_PRICED: Final = compiled(rf"(?:{_SYMBOLS}|(?<![\w '])(?<!\d )(?:{known.CURRENCY}))[ ]?\Z|{_SYMBOLS}[ ]?\Z")
_MONEY_FOLLOWS: Final = compiled(rf"[ ]?(?:{_SYMBOLS}(?![ ]?\d)|%|(?:{known.CURRENCY})(?!\w))")
_UNIT_FOLLOWS: Final = compiled(rf"[ ]?(?:{known.UNIT})(?!\w)")
_TAKES_ONE: Final = compiled(rf"[ ]?(?:[+x×:%°]|{_SYMBOLS}(?![ ]?\d)|(?:{known.CURRENCY}|{known.UNIT})(?!\w))|[.,]\d")
_LONGEST_AMOUNT: Final = 4


def is_announced(text: str, start: int, end: int) -> bool:
    """Say whether the sentence speaks of a telephone right before or right after the number."""
    is_after_digit = text[max(0, start - 2) : start - 1].isdecimal() and text[start - 1] not in _SIGNS
    before = None if is_after_digit else _ANNOUNCED.search(text[max(0, start - _BEFORE) : start])
    if before and not _TURNS_AWAY.search(before["gap"]):
        return True
    return _ANNOUNCED_LATER.match(text[end : end + _AFTER]) is not None


def is_identified(text: str, start: int) -> bool:
    """Say whether the word before announces an order, a listing, a price: anything but a telephone."""
    before = text[max(0, start - _BEFORE) : start]
    last = before.rstrip()[-1:]
    return not last.isdigit() and (_IDENTIFIED.search(before) is not None or _is_compound(before.rstrip(_JOINING)))


def is_numbered(text: str, start: int) -> bool:
    """Say whether "number" stands before, and before that whose: an order's, a meter's, not a person's.

    "Customer no 020 7183 4462" may be either; a telephone that is taken for a customer's number leaks.
    """
    before = text[max(0, start - _BEFORE) : start].rstrip(_JOINING)
    if not before.endswith(_NUMBER_ITSELF):
        return False
    found = _NUMBERED.search(before)
    return (found is not None and not found["of_person"]) or _is_compound(before)


def ends_a_clause(text: str, end: int) -> bool:
    """Say whether nothing follows that digits before `end` could count."""
    return _CLAUSE_ENDS.match(text, end) is not None


def speaks_of_both(text: str, end: int) -> bool:
    """Say whether the next words are "both of them"."""
    return _BOTH_FOLLOW.match(text, end) is not None


def _is_compound(before: str) -> bool:
    """Say whether a German word says of what the number is, and it is no telephone: "Vertragsnummer"."""
    found = _COMPOUND.search(before) if before.endswith(_IN_COMPOUNDS) else None
    return found is not None and not _OF_TELEPHONE.search(found["stem"])


def is_amount(text: str, start: int, end: int) -> bool:
    """Say whether a currency stands on either side."""
    if _MONEY_FOLLOWS.match(text, end):
        return True
    before = text[max(0, start - 14) : start]
    last = before[:-1][-1:] if before[-1:] == " " else before[-1:]
    return (last.isalpha() or last in _MONEY_SIGNS) and _PRICED.search(before) is not None


def is_measure(text: str, end: int) -> bool:
    """Say whether a unit follows."""
    return _UNIT_FOLLOWS.match(text, end) is not None


def takes_the_last_group(text: str, end: int, length: int) -> bool:
    """Say whether the last digits before `end` open something else: "3" in "…67 3+1", "500" in "…67 500 gbp"."""
    return length <= _LONGEST_AMOUNT and _TAKES_ONE.match(text, end) is not None
