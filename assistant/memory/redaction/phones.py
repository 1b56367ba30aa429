"""Where telephone numbers may start and how far they may reach; the judges say whether they are.

Text is read left to right, each candidate has a bounded length, so the work grows with the length of the text alone.
"""

import re
from collections.abc import Callable
from typing import Final

from assistant.memory.redaction import spoken
from assistant.memory.redaction.disguises import (
    DENSE,
    SPLIT_BY_WORDS,
    TRACE,
    end_of_announced,
    end_of_disguised,
    end_of_split,
    may_be_disguised,
    undisguised,
)
from assistant.memory.redaction.edges import OPENINGS, SECOND_ENDING_SIGNS, with_opening, with_second_ending
from assistant.memory.redaction.line_ends import may_part_numbers, with_broken_numbers_joined
from assistant.memory.redaction.national import end_among_others, end_of_national, end_of_single_digits
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.prefixed import end_of_prefixed
from assistant.memory.redaction.shields import shielded, without_links
from assistant.memory.redaction.views import MASK, Found, Span, View, hide

Judge = Callable[[View, re.Match[str]], int | None]
Passes = tuple[tuple[re.Pattern[str], Judge], ...]

_ENOUGH_DIGITS: Final = compiled(r"[0-9](?<!\d.)(?:[^\w\n]{0,4}+\d){6}")
# The same in text that nothing is hidden in yet; a date, which most of these are, is hidden by `shielded`.
_FIGURES: Final = compiled(
    r"[0-9](?<!\d.)(?=(?:[^\w\n]{0,4}+\d){6})"
    r"(?!\d?([./-])(?:0[1-9]|1[0-2])\1(?:19|20)\d\d(?![^\w\n]{0,4}+\d))"
)
_OPENING: Final = 4  # a plus and a bracket, spaced
_PLACEHOLDERS: Final = ("[phone]", "[email]", "[address]")
_GAP: Final = r"[ .\-/()\[\]]{0,3}+"
_IN_THOUSANDS: Final = r"(?<=\d[ .,].)\d\d[ .,]000(?!\d)"
_LIST_OF_PAIRS: Final = r"\d(?:[ .\-/]\d\d(?!\d)){5}"
# A plus, or a zero in front: what follows is a number unless its digits say otherwise.
_PREFIXED: Final = compiled(
    rf"[+0](?:(?<=\+)(?:(?<!\d.)|(?=\d\d))[ ]?\(?\d(?:{_GAP}\d){{6,16}}"
    rf"|(?<=0)(?<!\d.)(?:(?<!\d[.,].)|(?=5))(?!00|{_IN_THOUSANDS}|{_LIST_OF_PAIRS})"
    rf"(?=\d|[ .\-/()]{{1,3}}[1-9]\d)(?:{_GAP}\d){{7,15}})"
)
# Digits one by one, as in "0 5 3 3 1 2 3 4 5 6 7".
_SINGLE: Final = compiled(
    r"[0-9](?<!\d.)(?:(?<!\d[ .\-/_*].)(?:[ .\-/_*()]{1,3}\d(?!\d)){7,13}+(?![ .\-/_*]{1,3}\d(?!\d))"
    r"|(?<=0)[ .\-/_*()]{1,3}5(?:[ .\-/_*()]{1,3}\d(?!\d)){2}"
    r"(?:(?:[ .\-/_*()]{1,3}\d(?!\d)){7}"
    r"|(?<!\d[ .\-/_*].{7})[ .\-/_*()]{1,3}\d{3}[ .\-/_*()]{0,3}\d\d[ .\-/_*()]{0,3}\d\d(?!\d)))"
)
# Longer than any few numbers dialled digit by digit.
_LONGEST_LIST: Final = 48
_DIGITS: Final = b"0123456789"
_LISTS: Final = compiled(
    r"[0-9](?<!\d.)(?:\d{48,}+|(?:(?:[^\w\n]|_){1,3}\d(?!\d)){48,}+"
    r"|\d?(?:[,;:]\d{1,3}(?!\d)){48,}+|\d(?:[ .\-/]\d\d(?!\d)){96,}+)"
)
# Any other groups of digits that stand alone.
_CLUSTER: Final = compiled(
    r"[1-9](?<!\d.)(?<!\d[ .\-/,:].)(?=(?:[ .\-/()]{0,2}\d){6})\d{0,12}+(?:[ .\-/()]{1,2}\d{1,13}+){0,8}+(?![ .\-/]?\d)"
)
# Numbers that show themselves among other digits too, and mobile numbers without anything between them.
_AMONG_OTHERS: Final = compiled(
    r"[0-9](?<!\d.)(?:(?<=0)5\d{9}(?:05\d{9}){1,8}+|(?<=5)\d{9}5\d{9}|(?<=8)10\d{10,12}"
    r"|(?!(?<=0)|(?<=\d[.,].))(?:(?<=5)\d\d[ .\-/)]{1,2}\d{3}[ .\-/]?\d{2}[ .\-/]?\d{2}"
    r"|(?<=3)92[ .\-/)]{1,2}\d{3}[ .\-/]?\d{2}[ .\-/]?\d{2}|(?<![.,:].)\d{7,12}+))(?!\d)"
)
_DOUBLE_ZERO: Final = compiled(r"(?<![\w+])0\(0\)(?=\d)")
_FIRST_DIGITS: Final = compiled(r"\D*\d+")
# All that one number can be made of; no word further away says anything of it.
# A letter that stands for a zero inside a number, so near to digits that it can stand for nothing else.
_ZERO_BESIDE_DIGITS: Final = (
    r"(?:(?<=\d.)(?:(?<=\+9.)|(?<=\d[ .\-]\d.)(?!\w)"
    r"|(?!5\d\d(?!\d))(?:(?=\d{1,6}(?!\w))|(?<=[ .\-]\d.)(?=[ .\-]\d\d)))"
    r"|(?=\d)(?:(?<=\d[ .\-].)(?=\d(?!\w))|(?<!\w.)(?=5[0-6]\d[ .\-]\d{3}[ .\-]?\d\d[ .\-]?\d\d(?!\w))))"
)
_LATIN_ZERO: Final = compiled(f"o{_ZERO_BESIDE_DIGITS}")
_ANY_ZERO: Final = compiled(f"[oοо]{_ZERO_BESIDE_DIGITS}")
_LAST_DIGIT: Final = compiled(r"(?s:.*)[0-9]")
_SHORT: Final = 512  # characters; searched as a whole sooner than cut
_AROUND: Final = 64  # characters beside the digits of a stretch that can say something of them
_NOTHING: Final = Found([])
_PASSES: Final[Passes] = (
    (_PREFIXED, end_of_prefixed),
    (_SINGLE, end_of_single_digits),
    (_CLUSTER, end_of_national),
    (_AMONG_OTHERS, end_among_others),
)
# Whom a judge asks of the places that an earlier pass can have come upon, so that no place is judged twice.
_ASKS: Final[dict[Judge, Judge]] = {end_among_others: end_of_national}
_PASSES_BETWEEN_WORDS: Final[Passes] = ((SPLIT_BY_WORDS, end_of_split),)
_DISGUISED_PASSES: Final[Passes] = (
    (_PREFIXED, end_of_disguised),
    (_SINGLE, end_of_single_digits),
    *_PASSES_BETWEEN_WORDS,
    (_CLUSTER, end_of_announced),
)


def search_phones(view: View) -> Found:
    """Find the telephone numbers of a text; say whether the text without them is known to hold no more."""
    is_spoken = spoken.is_spoken(view.text)
    readable = _readable(view, is_spoken=is_spoken)
    if readable is None:
        return _NOTHING
    spans, is_all = _all_found(readable, is_spoken=is_spoken)
    return Found(spans, is_last=is_all and view.trail is None)


def _all_found(view: View, *, is_spoken: bool) -> Found:
    """Return the places, in the original, that plain reading finds, and then reading with disguises undone.

    They are known to be the last where not enough digits are left for another, on one line or on two.
    """
    first = _ENOUGH_DIGITS.search(view.text)
    found, rest = _found(view, _PASSES, max(0, first.start() - _OPENING)) if first else ([], view)
    spans = [view.span(*span) for span in found]
    if is_spoken or may_be_disguised(rest.text):
        plain = undisguised(rest, is_spoken=is_spoken)
        more, _ = _found(plain, _DISGUISED_PASSES if plain.text != rest.text else _PASSES_BETWEEN_WORDS)
        spans += [plain.span(*span) for span in more]
        return Found(spans)
    is_left = first is not None and _ENOUGH_DIGITS.search(rest.text) is not None
    return Found(spans, is_last=not is_left and not may_part_numbers(rest.text))


def _readable(view: View, *, is_spoken: bool) -> View | None:
    """Return the view with all hidden that cannot be a number, or None where nothing is left that could be one."""
    view = with_broken_numbers_joined(without_links(view))
    stretch = view if is_spoken else _where_digits_are(view)
    if stretch is None:
        return None
    text = _with_zeros(stretch.text)
    if "0(0)" in text:
        text = _DOUBLE_ZERO.sub(_without_brackets, text)
    if "[" in text:
        text = _without_placeholders(text)
    if _has_many_digits(text):
        text = _LISTS.sub(hide, text)
    return stretch.reading(shielded(text))


def _with_zeros(text: str) -> str:
    """Return the text with zeros for letters that stand for them; one letter is looked for faster than any of three."""
    letter_zero = _ANY_ZERO if "ο" in text or "о" in text else _LATIN_ZERO
    return letter_zero.sub("0", text)


def _without_brackets(match: re.Match[str]) -> str:
    """Return the zeros of "0(0)90 533 …" in front, and as many characters."""
    return f"00{' ' * (len(match.group()) - 2)}"


def _has_many_digits(text: str) -> bool:
    """Say whether there are digits enough for a list (a bytes' `translate` counts them fastest)."""
    plain = text.encode("ascii", "ignore")
    return len(plain) - len(plain.translate(None, _DIGITS)) > _LONGEST_LIST


def _where_digits_are(view: View) -> View | None:
    """Return the stretch of a view with digits close enough together for any number, and what is beside them."""
    first = DENSE.search(view.text)  # most text has none, and what `_FIGURES` finds is as dense
    if first is None or not (_FIGURES.search(view.text, first.start()) or TRACE.search(view.text, first.start())):
        return None
    if len(view.text) < _SHORT:
        return view
    last = _LAST_DIGIT.match(view.text, first.end() - 1)
    return view.cut(first.start() - _AROUND, last.end() + _AROUND) if last else None


def _without_placeholders(text: str) -> str:
    for placeholder in _PLACEHOLDERS:
        text = text.replace(placeholder, MASK * len(placeholder))
    return text


def _found(view: View, passes: Passes, start: int = 0) -> tuple[list[Span], View]:
    """Return the places in the view that the passes find, and what is left for others to search."""
    every: list[Span] = []
    refused: set[tuple[Judge, Span]] = set()  # as the view is now
    for pattern, judge in passes:
        match = pattern.search(view.text, start)
        found = _scan(view, match, judge, refused) if match else None
        if found:
            every += found
            view = _without(view, found)
            refused.clear()
            if passes is _PASSES and not _ENOUGH_DIGITS.search(view.text, start):
                break
    return every, view


def _scan(view: View, match: re.Match[str] | None, judge: Judge, refused: set[tuple[Judge, Span]]) -> list[Span]:
    text = view.text
    found: list[Span] = []
    while match:
        seen = (_ASKS.get(judge, judge), match.span())
        end = None if seen in refused else judge(view, match)
        if end is None:
            refused.add(seen)
            group = _FIRST_DIGITS.match(text, match.start())
            position = group.end() if group else match.end()
        else:
            start = match.start()
            position = end = with_second_ending(text, end) if text[end : end + 1] in SECOND_ENDING_SIGNS else end
            found.append((with_opening(text, start, end) if text[start - 1 : start] in OPENINGS else start, end))
        match = match.re.search(text, position)
    return found


def _without(view: View, found: list[Span]) -> View:
    pieces: list[str] = []
    done = 0
    for start, end in found:
        pieces += (view.text[done:start], MASK * (end - start))
        done = end
    return view.reading("".join((*pieces, view.text[done:])))
