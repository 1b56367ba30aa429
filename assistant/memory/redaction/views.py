"""One text seen several ways: a plain-ASCII-like view to search, and the way back to places in the original.

Knows Unicode, entities and escapes; knows nothing of what is searched for. Every step is linear.
"""

import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

MASK: Final = "\x1f"  # stands for characters that no pattern may read; original control characters are dropped

Span = tuple[int, int]


class View(NamedTuple):
    """Searchable text; where characters were dropped or joined, `starts` and `ends` lead back to the original.

    A view cut out of another begins `offset` characters later; `starts` and `ends` are then still the whole view's.
    """

    text: str
    original: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None
    offset: int = 0

    def span(self, start: int, end: int) -> Span:
        """Return the place in the original of a non-empty stretch of this view."""
        if self.starts is None or self.ends is None:
            return start + self.offset, end + self.offset
        return self.starts[start + self.offset], self.ends[end + self.offset - 1]

    def source(self, start: int, end: int) -> str:
        """Return the original spelling of a non-empty stretch of this view."""
        first, last = self.span(start, end)
        return self.original[first:last]

    def masked(self, pattern: re.Pattern[str], mask: Callable[[re.Match[str]], str] | None = None) -> "View":
        """Return the view with every match hidden, lengths unchanged."""
        return self.reading(pattern.sub(mask or hide, self.text))

    def reading(self, text: str) -> "View":
        """Return the view with another text of the same length."""
        return self if text == self.text else View(text, self.original, self.starts, self.ends, self.offset)

    def cut(self, start: int, end: int) -> "View":
        """Return the view of a stretch only."""
        if start <= 0 and end >= len(self.text):
            return self
        return View(self.text[max(0, start) : end], self.original, self.starts, self.ends, self.offset + max(0, start))


class Found(NamedTuple):
    """Places in the original, and whether a search of the text without them is known to find nothing more."""

    spans: list[Span]
    is_last: bool = False


def hide(match: re.Match[str]) -> str:
    """Return a mask as long as the match."""
    return MASK * (match.end() - match.start())


def rewritten(view: View, pattern: re.Pattern[str], rewrite: Callable[[re.Match[str]], str]) -> View:
    """Replace each match by a text of any length; each new character leads back to the whole match.

    A combining mark that is dropped belongs to the character before it, so that keycaps vanish whole.
    """
    starts: list[int] = []
    ends: list[int] = []
    pieces: list[str] = []
    done = 0
    for match in pattern.finditer(view.text):
        _keep(view, done, match.start(), starts, ends, pieces)
        done = match.end()
        first, last = view.span(match.start(), done)
        new = rewrite(match)
        pieces.append(new)
        starts.extend([first] * len(new))
        ends.extend([last] * len(new))
        if not new and ends and ends[-1] == first and unicodedata.category(view.original[first])[0] == "M":
            ends[-1] = last
    if not pieces:
        return view
    _keep(view, done, len(view.text), starts, ends, pieces)
    return View("".join(pieces), view.original, starts, ends)


def _keep(view: View, start: int, end: int, starts: list[int], ends: list[int], pieces: list[str]) -> None:
    pieces.append(view.text[start:end])
    start, end = start + view.offset, end + view.offset
    if view.starts is None or view.ends is None:
        starts.extend(range(start, end))
        ends.extend(range(start + 1, end + 1))
    else:
        starts.extend(view.starts[start:end])
        ends.extend(view.ends[start:end])


def substituted(text: str, spans: Iterable[Span], placeholder: str) -> tuple[str, int]:
    """Put the placeholder in place of each span (overlapping ones are one); all else stays byte for byte."""
    pieces: list[str] = []
    done = count = 0
    for start, end in sorted(spans):
        if start >= done:
            pieces += (text[done:start], placeholder)
            count += 1
        done = max(done, end)
    pieces.append(text[done:])
    return "".join(pieces), count


_INVISIBLE: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_COMBINING: Final = (
    "\u0300-\u036f\u0483-\u0489\u17b4\u17b5\u180b-\u180d\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef"
)
_HIDDEN: Final = re.compile(
    rf"[{_INVISIBLE}]+|[{_COMBINING}]+"
    r"|&(?:amp;){0,4}#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6})(?:;|(?![\da-fA-F]))"
    r"|&(?:amp;){0,4}(?:commat|period|nbsp|ensp|emsp|thinsp|plus|lpar|rpar|hyphen|dash|shy|zwn?j|lt|gt|quot);"
    r"|(?<=[\w=+.%/:-])%(?:25){0,4}(?:40|2[eE]|2[bB]|20|2[dD]|28|29|2[fF]|3[aA])"
    r"|\\(?:u00|x)(?:40|2[eE]|2[bB]|2[dD]|20)"
)
_SUSPECT: Final = re.compile(rf"[&%\\{_INVISIBLE}{_COMBINING}]")


def _reveal(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] == "&":
        character = html.unescape("&" + found.rpartition("&")[2].replace("amp;", "").rstrip(";") + ";")
        return "" if _SUSPECT.match(character) and character != "&" else character[:1]
    return chr(int(found[-2:], 16)) if found[0] in "%\\" else ""


_LOOKALIKES: Final = {
    **dict.fromkeys("＠﹫ⓐⒶ", "@"),
    **dict.fromkeys("．。｡․﹒·•‧∙⋅・۔●▪", "."),
    **dict.fromkeys("−⁃˗⁻₋➖ー", "-"),
    **dict.fromkeys("➕﬩", "+"),
    **dict.fromkeys("’‘ʼ`´′＇", "'"),
    **dict.fromkeys("∕⁄⧸", "/"),
    **dict.fromkeys("\u2028\u2029\x85\t\x0b\x0c", " "),
    "ı": "i",
    "σ": "σ",
    "ς": "σ",
}


def _folded_character(code: int) -> str:
    """Return the one character that stands for `code` in a folded view: a digit, a plain letter or sign."""
    character = chr(code)
    if character in _LOOKALIKES:
        return _LOOKALIKES[character]
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(character)
    if category in _STAND_INS:
        return _STAND_INS[category]
    base = unicodedata.normalize("NFKD", character)
    letter = base[0].lower() if len(base) == 1 or unicodedata.combining(base[1]) else character.lower()
    return letter if len(letter) == 1 else character


_STAND_INS: Final = {"Zs": " ", "Pd": "-", "Mn": "x", "Mc": "x"}
_UNCACHED: Final = frozenset({"Cn", "Co", "Cs"})  # unassigned and private: a million characters nobody needs


class _FoldingTable(dict[int, str | int]):
    def __missing__(self, code: int) -> str | int:
        if unicodedata.category(chr(code)) in _UNCACHED:
            return code
        self[code] = _folded_character(code)
        return self[code]


_TABLE: Final = _FoldingTable()


def fold(text: str) -> str:
    """Return text of the same length: lower case, no accents, ASCII digits, plain spaces, dashes and dots."""
    if text.isascii():
        return text.lower().replace("\t", " ")
    return text.translate(_TABLE)


_COMMON: Final = (
    "".join(map(chr, range(0x20, 0x7F))).replace("`", "")  # which plain ASCII keeps and other text does not
    + "\t\n\r\xa0ÇĞİÖŞÜçğıöşüÄäßâêîôûéèáà€£₺°²³’‘“”„–—…•·«»№"
)
_SCRIPTS: Final = (
    "".join(map(chr, range(0x410, 0x450))) + "ЁёІіЇїЄє",
    "".join(map(chr, (*range(0x391, 0x3A2), *range(0x3A3, 0x3CF)))) + "ΆΈΉΊΌΎΏ",
)


def _quick_tables(script: str) -> tuple[Any, str]:
    """Return what maps the characters of everyday chat to bytes, and each byte to its folded character."""
    alphabet = _COMMON + script
    undefined = "\ufffe"
    # Only a table that begins with NUL is built as one that C alone reads; NUL itself is then refused by the second.
    return codecs.charmap_build(("\0" + alphabet).ljust(256, undefined)), undefined + fold(alphabet)


_QUICK: Final = tuple(_quick_tables(script) for script in _SCRIPTS)


def quickly_folded(text: str) -> str | None:
    """Return the folded text where all of its characters are everyday ones, none of them invisible, else None.

    Two table look-ups in C for each character; `str.translate` calls Python's dict for each one, ten times the cost.
    """
    for encoding, folding in _QUICK:
        try:
            return codecs.charmap_decode(codecs.charmap_encode(text, "strict", encoding)[0], "strict", folding)[0]
        except UnicodeError:
            continue
    return None


def folded(text: str) -> View:
    """Return the view every search starts from: invisible characters gone, escapes decoded, the rest folded."""
    quick = quickly_folded(text)
    if quick is not None and "&" not in text and "%" not in text and "\\" not in text:
        return View(quick, text)
    view = View(text, text)
    if _SUSPECT.search(text) and _HIDDEN.search(text):
        view = rewritten(view, _HIDDEN, _reveal)
        return view.reading(fold(view.text))
    return view.reading(fold(text) if quick is None else quick)


def word_set(*lines: str) -> frozenset[str]:
    """Return the words of the lines, folded."""
    return frozenset(fold(word) for line in lines for word in line.split())


def words(*lines: str) -> str:
    """Return a regular expression for any of the words of the lines, folded; `_` is a space."""
    return any_of(fold(word) for line in lines for word in line.split())


def any_of(listed: Iterable[str]) -> str:
    """Return a regular expression for any of the words, the longest where several fit; `_` is a space.

    Words that begin alike share their beginning: Python's `re` tries the branches of an alternative one by one.
    """
    tree: _Tree = {}
    for word in listed:
        branch = tree
        for character in word:
            branch = branch.setdefault(r"[ ]{1,2}" if character == "_" else re.escape(character), {})
        branch[""] = {}
    return _expression(tree)


def _expression(tree: "_Tree") -> str:
    branches = [letter + _expression(tree[letter]) for letter in sorted(tree) if letter]
    if len(branches) == 1 and "" not in tree:
        return branches[0]
    return f"(?:{'|'.join(branches)}){'?' if '' in tree else ''}" if branches else ""


_Tree = dict[str, "_Tree"]
