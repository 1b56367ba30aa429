"""How text is folded for searching: invisible characters gone, escapes decoded, look-alikes plain, letters lower case.

Knows Unicode, entities and escapes; knows nothing of what is searched for. Every step is linear.
"""

import codecs
import html
import re
import unicodedata
from typing import Any, Final

from assistant.memory.redaction.views import Span, View, rewritten, substituted

_INVISIBLE: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_COMBINING: Final = (
    "\u0300-\u036f\u0483-\u0489\u17b4\u17b5\u180b-\u180d\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef"
)
_UNSEEN: Final = re.compile(rf"[{_INVISIBLE}]+|[{_COMBINING}]+")
_ANY_UNSEEN: Final = re.compile(rf"[{_INVISIBLE}{_COMBINING}]")
# All branches look back at one character of a set, for which `re` has a quick search.
_HIDDEN: Final = re.compile(
    rf"[&%\\{_INVISIBLE}{_COMBINING}](?:(?<=[{_INVISIBLE}])[{_INVISIBLE}]*|(?<=[{_COMBINING}])[{_COMBINING}]*"
    r"|(?<=&)(?:amp;){0,4}(?:#(?:\d{1,7}|[xX][0-9a-fA-F]{1,6})(?:;|(?![\da-fA-F]))"
    r"|(?:commat|period|nbsp|ensp|emsp|thinsp|plus|lpar|rpar|hyphen|dash|shy|zwn?j|lt|gt|quot);)"
    r"|(?<=[\w=+.%/:-]%)(?:25){0,4}(?:40|2[eE]|2[bB]|20|2[dD]|28|29|2[fF]|3[aA])"
    r"|(?<=%)(?:25){0,4}2[bB](?=\(?\d)"  # the plus of a number needs nothing before it
    r"|(?<=\\)(?:u00|x)(?:40|2[eE]|2[bB]|2[dD]|20))"
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
    **dict.fromkeys("«‹⟨", "<"),
    **dict.fromkeys("»›⟩", ">"),
    "【": "[",
    "】": "]",
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


def _quick_tables(alphabet: str) -> tuple[Any, str]:
    """Return what maps up to 255 characters to bytes, and each byte to its folded character."""
    undefined = "\ufffe"
    # Only a table that begins with NUL is built as one that C alone reads; NUL itself is then refused by the second.
    return codecs.charmap_build(("\0" + alphabet).ljust(256, undefined)), undefined + fold(alphabet)


_QUICK: Final = tuple(_quick_tables(_COMMON + script) for script in _SCRIPTS)
# Lower case alone leaves room for all scripts at once, and for what else is common in chat.
_QUICK_LOWER: Final = _quick_tables(
    "".join(character for character in _COMMON if character == character.lower())
    + "".join(map(chr, (*range(0x430, 0x450), *range(0x3B1, 0x3CF))))
    + "ёіїєґάέήίόύώϊϋΐΰ☎✅⭐→✓🏠🏡🏖📍📞📱😀😁😂😃😄😅😉😊😍😎😘😢😭🙂🙈🙏👋👌👍👏💪💯🔥🎉🎂🤔🤗🤣🥰"
)


def quickly_folded(text: str) -> str | None:
    """Return the folded text where all of its characters are everyday ones, none of them invisible, else None.

    Two table look-ups in C for each character; `str.translate` calls Python's dict for each one, ten times the cost.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text.lower()
    quick = _mapped(text, *_QUICK["α" in text])  # the second is Greek's
    return quick if quick is not None else _mapped(text.replace("İ", "i").lower(), *_QUICK_LOWER)


def _mapped(text: str, encoding: Any, folding: str) -> str | None:
    try:
        return codecs.charmap_decode(codecs.charmap_encode(text, "strict", encoding)[0], "strict", folding)[0]
    except UnicodeError:
        return None


def folded(text: str) -> View:
    """Return the view every search starts from: invisible characters gone, escapes decoded, the rest folded."""
    quick = quickly_folded(text)
    may_have_escapes = _may_have_escapes(text)
    if quick is not None and not may_have_escapes:
        return View(quick, text)
    view = View(text, text)
    if may_have_escapes:
        revealed = rewritten(view, _HIDDEN, _reveal)
    else:
        revealed = rewritten(view, _UNSEEN, "") if _ANY_UNSEEN.search(text) else view
    if revealed is view and quick is not None:
        return view.reading(quick)
    return revealed.reading(fold(revealed.text))


def _may_have_escapes(text: str) -> bool:
    return "&" in text or "%" in text or "\\" in text


def replaced(view: View, spans: list[Span], placeholder: str, *, is_read_again: bool = True) -> tuple[View, int]:
    """Return the folded view of the original with the placeholder in place of each span, and how many there were.

    A view that nobody reads again is its original alone.
    """
    text, count = substituted(view.original, spans, placeholder)
    if not is_read_again:
        return View("", text), count
    if view.trail or _may_have_escapes(view.original):
        return folded(text), count
    return View(substituted(view.text, spans, fold(placeholder))[0], text), count
