"""Whether a value named in a text is wanted or ruled out; knows clauses and negation, not what a value means."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from assistant.replies.text import clause_after, clause_before


@dataclass(frozen=True)
class Mention:
    """A value of a slot named in folded text; `joined` says it is one alternative with the mention before it."""

    slot: str
    value: object
    start: int
    end: int
    denied: bool = False
    joined: bool = False


JOINED = re.compile(
    r"^ ?(?:,|/|&|or|nor|and|veya|ya ?da|ve|, ?or|, ?and|,? ?hatta|or in|or near"
    r"|and in|or even) ?$"
)
_INHERITS = re.compile(r"^ ?(?:/|&|or|nor|and|veya|ya ?da|ve|or in|and in) ?$")
_NEGATED = re.compile(
    r"\b(?:not(?! (?:only|just|sure|more|less|over|exceed|bad|mind))|no longer|no more|any ?more"
    r"|never(?! mind)|without|except(?: for)?|excluding|exclude"
    r"|avoid(?:s|ing)?|other than|rather than|instead of|anything but|anywhere but|but not|apart from"
    r"|away from|outside(?: of)?"
    r"|(?:do|does|did|is|are|would|wo|ca)n'?t(?! (?:mind|know|care))|cannot|stop(?:ped)? (?:looking"
    r"|searching)|hates?|dislikes?"
    r"|forget(?: about)?|tired of|not interested in|reject(?:s|ed)?|ruled out|decided against)\b"
)
_NO_KIND = re.compile(r"\bno $")
_WHY_NOT = re.compile(r"\bwhy not\b")
_PREFERRED_OVER = re.compile(r"\b(?:over|than|versus|vs\.?) (?:the )?$")
_PREFERRED_TO = re.compile(r"\bprefer\w{0,5} [^,;.]{1,40}? to (?:the )?$")
_LEFT = re.compile(r"\b(?:mov|relocat|switch|chang|away|leav)\w{0,6} (?:\w{1,12} ){0,3}?from $|\bleaving $")
_NEGATED_AFTER = re.compile(
    r"^(?: \w{1,12}){0,2}? (?:degil\w{0,4}|olmasin|olmaz|istemiyor\w{0,4}|istemem|haric|disinda|yerine"
    r"|aramiyor\w{0,4}|dusunmuyor\w{0,4}|vazgec\w{0,6})\b"
)
_INSTEAD_AFTER = re.compile(r"^(?: \w{1,10})? instead(?! of)|^ olsun\b")

_BACKGROUND = re.compile(
    r"\b(?:works?|working|job|office|stud(?:y|ies|ying|ent)|university|school|born|(?:is|am|comes?"
    r"|are) from|visit\w{0,4}|liv(?:e|es|ing|ed) in"
    r"|live near|friends?|sister|brother|parents?|flight|hospital|doctor|pharmacy|asked about|beach"
    r"|restaurants?|airport|bank|calisiyor\w{0,3}|okuyor\w{0,3}|dogdu\w{0,2}|yasiyor\w{0,3}"
    r"|oturuyor\w{0,3}|isim|isyerim"
    r"|okulum|ofisim)\b"
)
_SEEKING = re.compile(
    r"\b(?:want\w{0,3}|look\w{0,3}|need\w{0,3}|search\w{0,3}|prefer\w{0,5}|rent\w{0,3}|buy\w{0,3}"
    r"|find\w{0,3}|flats?|apartments?|houses?|villas?|homes?"
    r"|propert\w{1,3}|interested|moving|move|relocat\w{0,4}|bedrooms?|bed|would like|hop(?:es|ing)"
    r"|plan\w{0,4}|kiralik|satilik|ariyor\w{0,3}|istiyor\w{0,3}"
    r"|tasin\w{0,8}|daire|ev|lazim|bak\w{0,8})\b"
)


def polarised(folded: str, mentions: Iterable[Mention]) -> list[Mention]:
    """Return the mentions in order, each marked as denied or joined; places of work, birth or study are left out."""
    result: list[Mention] = []
    previous: dict[str, Mention] = {}
    for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
        if mention.slot == "place" and _is_background(folded, mention):
            continue
        before = previous.get(mention.slot)
        if before and mention.start < before.end:
            continue
        marked = _marked(folded, mention, before)
        previous[mention.slot] = marked
        result.append(marked)
    return result


def _marked(folded: str, mention: Mention, before: Mention | None) -> Mention:
    gap = folded[before.end : mention.start] if before else ""
    window = clause_before(folded, mention.start)
    own = window if before is None else window[-(mention.start - before.end) :] if mention.start > before.end else ""
    denied = _is_denied(folded, mention, own, window)
    if before and before.denied and _INHERITS.match(gap):
        denied = True
    joined = bool(before and JOINED.match(gap) and before.denied == denied)
    return replace(mention, denied=denied, joined=joined)


def _is_denied(folded: str, mention: Mention, own: str, window: str) -> bool:
    after = clause_after(folded, mention.end)
    if _INSTEAD_AFTER.match(after) or _WHY_NOT.search(own):
        return False
    compared = _PREFERRED_OVER.search(own) or _PREFERRED_TO.search(window) if mention.slot != "bedrooms" else None
    refused = _NO_KIND.search(own) if mention.slot in ("kind", "tenure") else None
    left = _LEFT.search(own) if mention.slot == "place" else None
    return bool(_NEGATED.search(own) or compared or refused or left or _NEGATED_AFTER.match(after))


def _is_background(folded: str, mention: Mention) -> bool:
    clause = clause_before(folded, mention.start) + " | " + clause_after(folded, mention.end)
    return bool(_BACKGROUND.search(clause)) and not _SEEKING.search(clause)
