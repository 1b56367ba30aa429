"""Telephone numbers made hard to read: number words, letters for digits, any sign or word between the groups.

Undoes the disguise in a second view and accepts far less there than in plain text, because undoing also joins numbers
that have nothing to do with each other.
"""

import re
from typing import Final

from assistant.memory.redaction import numbering, phone_words, spoken, surroundings
from assistant.memory.redaction.figures import is_counting
from assistant.memory.redaction.national import end_of_national
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.prefixed import end_of_prefixed
from assistant.memory.redaction.views import MASK, View, rewritten

# Close enough together for any number.
DENSE: Final = compiled(rf"[0-9](?<!\d.)(?:[^\d\n{MASK}]{{0,24}}+\d){{6}}")
_GROUP: Final = compiled(r"\d+")
_LETTER_FOR_DIGIT: Final = compiled(
    r"[0-9oliοо](?<![^\W_].)(?:(?:(?<=\d)|(?=[oliοо]*\d))[\doliοоsz]+(?![^\W\d_])|(?<=[oοо])(?=[ .\-(]{0,2}\d))"
)
_STAND_INS: Final = "oοоlisz"
_LETTERS: Final = str.maketrans(_STAND_INS, "0001152")
_ODD: Final = rf"(?:_|[^\w\s+()./,;:{MASK}\[\]-])"
_BETWEEN: Final = compiled(
    rf"[\W_](?<=\d.)(?:(?<=[ ,;:(\[])[ ,;:(\[]?"
    rf"(?:(?<![^\W_])(?:{phone_words.BETWEEN})(?![^\W_])[ ,;:)\]]{{0,2}})+(?=[1-9+]|0\d{{0,2}}(?!\d))"  # not another
    rf"|(?<=(?<!\d)\d,)[ ](?=\d(?!\d))"
    rf"|(?<=[,;:])(?=\d)|(?<=[ .\-/])[ .\-/]{{3,7}}(?=\d)|(?:(?<=[ ]){_ODD}|(?<={_ODD})){_ODD}{{0,2}}[ ]?(?=\d))"
)
_WORD_INSIDE: Final = compiled(rf"[0-9]{spoken.WORD_INSIDE}")
_ALONE: Final = r"(?<![^\W_])"
_PAUSE: Final = compiled(r",(?<=\d.)[ ](?=\d)")
# Between a whole number and a figure of hundreds: "0034215567, four hundred".
_STOP: Final = compiled(r"[.,](?<=\d.)(?<=\d{7}.)[ ](?=\d{3})")
_ONE_BY_ONE: Final = compiled(
    r"[ ](?:(?<=(?<!\d)0.)(?=\d{2,3}(?!\d))|(?<=(?<!\d)\d.)(?=\d(?!\d))|(?<=\d[ ]\d.)(?=\d(?!\d)))"
)
_SURE: Final = compiled(r"0(?:5[0-6]\d|392|850)\d{7}|00\d{9,13}")
_WORD_GAP: Final = rf"(?:(?:_|[^\w\n{MASK}]){{1,5}}|[ ,.:()]{{1,2}}(?:[^\W\d_]{{1,12}}[ ,.:()]{{1,2}}){{1,3}})"
_SHORTEST_SAID: Final = 9
_SPLIT_END: Final = (
    rf"[ ]?\(?(?:5\d\d|392)\)?{_WORD_GAP}(?:\d{{3}}{_WORD_GAP}(?:\d{{2}}{_WORD_GAP}\d{{2}}|\d{{4}})|\d{{7}})(?!\d)"
)
_AFTER_SPLIT_START: Final = r"(?<=0)(?:(?<!\d.)|(?<=90))"
SPLIT_BY_WORDS: Final = compiled(rf"[+90](?:(?<=\+)90|(?<=9)(?<!\d.)0|{_AFTER_SPLIT_START}){_SPLIT_END}")
# What plain reading cannot see through: a letter, a word or a strange sign beside a digit, words between the groups.
# Rooms before a comma are none of it: "2+1, 3 rooms".
TRACE: Final = compiled(
    rf"[0-9](?:{_AFTER_SPLIT_START}{_SPLIT_END}|(?!\d|[.][ ][^\W\d_])"
    rf"(?:[oοоlisz]|{spoken.WORD_INSIDE}|[,;:]\d|,[ ]\d(?!\d)(?<!\+\d,[ ]\d)|[ .\-/]{{4,8}}\d"
    rf"|[ ,;:(\[]{{0,2}}+(?:{phone_words.BETWEEN})[ ,;:)\]]"
    rf"|[ ]?(?:_|[^\w\s+()./,;:{MASK}\[\]-]){{1,3}}[ ]?\d)"
    rf"|(?<=[oοоli .\-(].)(?:(?<=[oοоli]\d)(?<={_ALONE}[oοоli]\d)"
    rf"|(?<=[ .\-(].)(?:(?<={_ALONE}[oοо].\d)|(?<={_ALONE}[oοо][ .\-(].\d))))"
)
_OTHER_WORD: Final = compiled(rf"(?<!\w)(?:{phone_words.IDENTIFIER}|{phone_words.CURRENCY}|{phone_words.UNIT})(?!\w)")


def may_be_disguised(text: str) -> bool:
    """Say whether a folded text may have a number written in digits that plain reading misses."""
    return bool(DENSE.search(text) and TRACE.search(text))


def undisguised(view: View, *, is_spoken: bool) -> View:
    """Return the view with number words as digits, letters among digits as digits, and fillers between as spaces."""
    if is_spoken:
        view = rewritten(view, spoken.GROUP_SAID, spoken.digits_said)
        view = rewritten(view.masked(_STOP), _PAUSE, " ")
        view = rewritten(view, _ONE_BY_ONE, "")
    view = rewritten(view, _WORD_INSIDE, spoken.digit_and_digit_said)
    if any(map(view.text.__contains__, _STAND_INS)):
        view = view.masked(_LETTER_FOR_DIGIT, lambda match: match.group().translate(_LETTERS))
    return rewritten(view, _BETWEEN, " ")


def end_of_disguised(view: View, match: re.Match[str]) -> int | None:
    """Return where a number ends that starts with a plus or zero: only one that is assigned for sure."""
    end = end_of_prefixed(view, match)
    if end is None:
        return None
    digits = "".join(_GROUP.findall(view.text, match.start(), end))
    if match.group().startswith("+"):
        number = numbering.international(digits)
        return end if number and numbering.is_assigned(*number) else None
    is_said = len(digits) > _SHORTEST_SAID and any(character.isalpha() for character in view.source(match.start(), end))
    is_sure = _SURE.fullmatch(digits) or (is_said and numbering.is_assigned_after_zero(digits[1:]))
    return end if is_sure else None


def end_of_split(view: View, match: re.Match[str]) -> int | None:
    """Return where a Turkish number ends whose groups stand between words: "0533 sonra 123, en son 45 67"."""
    return None if _OTHER_WORD.search(match.group()) else match.end()


def end_of_announced(view: View, match: re.Match[str]) -> int | None:
    """Return where a national number ends that was said in words, or that the words around call a telephone."""
    start, end = match.span()
    number = None if is_counting("".join(_GROUP.findall(match.group()))) else end_of_national(view, match)
    is_said = number is not None and any(character.isalpha() for character in view.source(start, end))
    return number if is_said or surroundings.is_announced(view.text, start, end) else None
