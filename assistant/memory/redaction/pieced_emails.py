"""E-mail addresses said or typed in pieces: commas between the parts ("ali, at, gmail, dot, com"), letters apart.

Makes them whole, near what may stand for an at sign; refuses to judge whether they are addresses.
"""

import re
from typing import Final

from assistant.memory.redaction import email_words as known
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import View, rewritten

_PART: Final = r"[^\W_]++(?:[.-][^\W_]++){0,4}+"
_DOT: Final = rf",?[ ](?:{known.DOT}),?[ ]"
# With one of the common endings: a sentence has commas, too.
_DICTATED: Final = compiled(
    rf"[ ](?:{known.BARE_AT}),?[ ](?P<host>{known.PARTED_PROVIDERS}|{_PART})"
    rf"(?:(?<=\.com)|(?:{_DOT}(?:(?:{known.SPOKEN_ENDINGS})(?!\w)|{_PART}(?={_DOT}))){{1,3}}+)(?!\w)"
)
_JOINTS: Final = compiled(rf"(?:,?[ ](?:{known.JOINT}),?[ ]{_PART}){{1,4}}+,?\Z")
_REACH: Final = 80  # of joints before an at sign
_LETTER: Final = r"[^\W_](?!\w)"
_APART: Final = compiled(
    rf"(?<![\w.]){_LETTER}(?:(?:[ ]{{1,2}}(?:[@._+-][ ]{{1,2}})?{_LETTER}){{1,63}}+|(?:\.{_LETTER}){{2,63}}+)"
)
# Of an at sign: letters alone or a comma before it, or after it, or a comma after the next words.
IN_PIECES: Final = compiled(
    r"(?<=[ .]\w[ .]\w)|(?<=[ .]\w[ .]\w[ ])|(?<=[ .]\w[ ]{2}\w[ ])|(?<=,)[ ]"
    r"|(?:[ ]\w[\w.-]{0,14}+(?:(?P<comma>,)[ ]|[ ])|[^\w ][ ]{0,2})"
    r"(?(comma)|\w(?:[ .][ ]?\w(?!\w)|\w*+(?:,[ ]|[ ]\w{1,7}+,)))"
)
_BEFORE, _AFTER = 4, 32  # how far from an at sign letters apart show
_ENDINGS: Final = ("com", "net", "org", "de", "tr", "ru", "uk", "gr")


def made_whole(view: View, places: list[int]) -> View:
    """Return the view with the addresses around these places made whole."""
    view = _without_commas(view, places)
    are_apart = any(_APART.search(view.text, max(0, at - _BEFORE), at + _AFTER) for at in places)
    return rewritten(view, _APART, _together) if are_apart else view


def _without_commas(view: View, places: list[int]) -> View:
    text = view.text
    pieces: list[str] = []
    done = 0
    for at in places:
        said = _DICTATED.match(text, at) if at >= done else None
        if said:
            start = max(done, _start_of_joints(text, at))
            if "," in text[start:at].rstrip(",") + said.group() or said["host"] in known.PROVIDERS:
                pieces += (text[done:start], text[start : said.end()].replace(",", " "))
                done = said.end()
    return view.reading("".join((*pieces, text[done:])))


def _start_of_joints(text: str, at: int) -> int:
    """Return where the first of the words for signs stands that lead up to an at sign, or the comma before it."""
    joints = _JOINTS.search(text, max(0, at - _REACH), at)
    return joints.start() if joints else at - (text[at - 1 : at] == ",")


def _together(match: re.Match[str]) -> str:
    """Write letters together, and leave a dot before an ending that was parted by dots like the rest."""
    said = match.group()
    if " " in said:
        return said.replace(" ", "")
    joined = said.replace(".", "")
    ending = next((ending for ending in _ENDINGS if joined.endswith(ending)), "")
    return f"{joined.removesuffix(ending)}.{ending}" if ending else joined
