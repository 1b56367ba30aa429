"""Whether digits are part of a longer code, from the letters and digits they are glued to: a hash, `TXN5331234567`.

Words people forget to part from a number ("call me07846293817pls") are no code where a telephone is spoken of, or where
the digits are a mobile number with its zero.
"""

from typing import Final

from assistant.memory.redaction import numbering, surroundings
from assistant.memory.redaction import phone_words as known
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import View

_TOKEN: Final = 40
_LETTERS_BEFORE: Final = compiled(r"[^\W\d_]+\Z")
_JOINTS: Final = frozenset("-_/#=")
_JOINED_BEFORE: Final = compiled(r"(?P<word>[^\W_]+)[-_/#=]+\Z")
_TELEPHONE_WORD: Final = compiled(rf"(?:{known.TELEPHONE}|no|nr|num)")
_LABEL: Final = compiled(rf"[^\W\d_]{{0,12}}(?:{known.TELEPHONE_IN_A_ROW})")
_IDENTIFIER_WORD: Final = compiled(rf"(?:{known.IDENTIFIER})")
_LETTERS_AFTER: Final = compiled(r"[^\W\d_]+(?![\w-]*\d)")
_HEX: Final = frozenset("abcdef")
_MIXED_AFTER: Final = compiled(r"[^\W\d_]+[_-]?\d|[-_](?!\d{10,12}(?!\w))[^\W_]*\d")
# The same after a whole mobile number: two more digits are the ending of its neighbour.
_MIXED_AFTER_MOBILE: Final = compiled(r"[^\W\d_]+[_-]?\d|[-_](?!\d{10,12}(?!\w)|\d\d(?![\w-]))[^\W_]*\d")
_ESCAPED_PLUS: Final = "%2b"
_LAST_LETTER: Final = compiled(r"[bcdf](?!\w)")
_NUMBER_LENGTH: Final = 10


def is_part_of_code(view: View, start: int, end: int) -> bool:
    """Say whether the digits are part of a longer code: a hash, `EI-20251102-0034`, `TXN5331234567`."""
    text = view.text
    if _MIXED_AFTER.match(text, end):
        return True
    last = text[start - 1 : start] if start else ""
    if not (last.isalnum() or last in _JOINTS) or text.endswith(_ESCAPED_PLUS, 0, start):
        return False
    before = text[max(0, start - _TOKEN) : start]
    if joined := _JOINED_BEFORE.search(before):
        return not _may_be_joined(view, start - len(before) + joined.start("word"), joined["word"])
    letters = _LETTERS_BEFORE.search(before)
    if letters is None or not letters.group().isascii():
        return before[-1:].isdigit()
    if before[: letters.start()][-1:].isdigit():
        return not _LABEL.fullmatch(letters.group())
    is_cut = text[end : end + 1].isalpha() and not _is_between_words(view, start, end, letters.group())
    return is_cut or not _may_be_joined(view, start - len(letters.group()), letters.group())


def is_in_hash(text: str, start: int, end: int) -> bool:
    """Say whether letters and digits mix on a side of the digits."""
    before = text[max(0, start - _TOKEN) : start]
    letters = _LETTERS_BEFORE.search(before) if before[-1:].isalpha() else None
    if letters and before[: letters.start()][-1:].isdigit() and not _LABEL.fullmatch(letters.group()):
        return True
    return _MIXED_AFTER_MOBILE.match(text, end) is not None


def ends_in_a_letter(text: str, end: int) -> bool:
    """Say whether one letter that is no suffix ends the token, as the last one of a short hash can."""
    return _LAST_LETTER.match(text, end) is not None


def _is_between_words(view: View, start: int, end: int, before: str) -> bool:
    """Say whether the letters on both sides of the digits are words rather than the rest of a code."""
    letters = _LETTERS_AFTER.match(view.text, end)
    if letters is None or view.source(*letters.span())[0].isupper() or _HEX.issuperset(before + letters.group()):
        return False
    digits = "".join(filter(str.isdigit, view.text[start:end]))
    is_mobile = len(digits) >= _NUMBER_LENGTH and numbering.is_mobile_after_zero(digits)
    if is_mobile and letters.end() - end > 1 and not surroundings.is_identified(view.text, start - len(before)):
        return True
    return surroundings.is_announced(view.text, start, end)


def _may_be_joined(view: View, at: int, word: str) -> bool:
    """Say whether a word glued or hyphenated to a number leaves it a telephone: `tel5331234567`, `user_90533…`."""
    if _TELEPHONE_WORD.fullmatch(word) or (word.isdigit() and len(word) >= _NUMBER_LENGTH):
        return True
    spelled = view.source(at, at + len(word))
    return len(word) > 1 and not spelled[0].isupper() and word.isalpha() and not _IDENTIFIER_WORD.fullmatch(word)
