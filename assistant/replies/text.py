"""Reading characters: folding for comparison, decoys, clauses and what must not be echoed; knows no slots.

Every pattern is bounded, so that any text takes time linear in its length.
"""

import re
import unicodedata

MAX_LENGTH = 8_000

_LOOKALIKES = str.maketrans(
    {**dict.fromkeys("’‘ʼ`´ʹ′", "'"), **dict.fromkeys("–—−‒‐‑", "-"), "\u200b": " ", "\ufeff": " "}
)
_MONTHS = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb"
    r"|mar|apr|jun"
    r"|jul|aug|sept?|oct|nov|dec|ocak|subat|mart|nisan|mayis|haziran|temmuz|agustos|eylul|ekim|kasim|aralik)"
)
_UNITS = (
    r"(?:people|persons?|adults?|kids?|child(?:ren)?|guests?|of us|weeks?|months?|days?|years?|nights?"
    r"|hours?|hrs?"
    r"|min(?:ute)?s?|km|kms|kilomet\w{1,4}|m2|sqm|sq ?m|m\^2|square|met(?:re|er)s?|metrekare|m|miles?"
    r"|floors?|bath\w{0,6}"
    r"|wc|cars?|cats?|dogs?|kisi\w{0,6}|cocu\w{1,6}|hafta\w{0,5}|ay|aya|ayligina|gun\w{0,5}|yil\w{0,6}"
    r"|gece\w{0,5}"
    r"|saat\w{0,5}|dakika\w{0,5}|dk|metre\w{0,4}|kat\w{0,4}|banyo\w{0,3}|yasinda\w{0,3}|percent)"
)
_DECOYS = re.compile(
    "|".join(
        (
            r"\bei-?[0-9]{8}-?[0-9]{1,6}\b",  # our own references
            r"(?:https?://|www\.)[^ ]{1,300}",
            r"[^ @]{1,64}@[^ @]{1,200}",
            r"(?<![0-9])\+ ?[0-9](?:[ ().-]{0,2}[0-9]){6,16}(?![0-9])",  # phone numbers with a country code
            r"(?<![0-9.,])\(?0[0-9]{2,3}\)?(?:[ .-]?[0-9]){6,9}(?![0-9])",
            r"(?<![0-9.,])(?:90 ?)?5[0-9]{2} [0-9]{3} [0-9]{2} ?[0-9]{2}(?![0-9])",
            r"(?<![0-9])[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:t[0-9:.z+]{1,20})?",
            r"(?<![0-9])[0-9]{1,2}([./-])[0-9]{1,2}\1(?:20|19)?[0-9]{2}(?![0-9])",
            rf"(?<![0-9])[0-9]{{1,2}}(?:st|nd|rd"
            rf"|th)?(?: of)? {_MONTHS}\w{{0,4}}(?:'\w{{1,4}})?(?: [0-9]{{4}})?(?![a-z0-9])",
            rf"\b{_MONTHS} [0-9]{{1,2}}(?:st|nd|rd|th)?(?:,? [0-9]{{4}})?(?![0-9])",
            rf"\b{_MONTHS} [0-9]{{4}}(?![0-9])",
            r"(?<![0-9])[0-9]{1,2}(?:st|nd|rd|th)\b",
            r"(?<![0-9])[0-9]{1,2}:[0-9]{2}(?: ?[ap]m)?(?![0-9])",
            r"(?<![0-9.,])[0-9]{1,2}(?:\.[0-9]{2})? ?(?:am|pm|o'?clock)\b",
            r"\bsaat [0-9]{1,2}(?:[.:][0-9]{2})?",
            r"\b(?:in|since|from|until|till|by|after|before|year) (?:19|20)[0-9]{2}(?![0-9.,]*[0-9])"
            r"(?! ?(?:gbp|pound|stg|ster|eur|usd|tl|to |-))",
            r"(?<![0-9])(?:19|20)[0-9]{2}(?:'?[dt][ea]n?\b| (?:yil|model)\w{0,8})",
            rf"(?<![0-9.,£€$₺])[0-9]{{1,6}}(?:[.,][0-9]{{1,2}})?[ -]?{_UNITS}(?![a-z0-9])(?! ?(?:gbp"
            rf"|pound|ster|eur|usd))",
            r"(?<![0-9])[0-9]{1,2}[ -]?(?:aylik|yillik|haftalik)\b",
            r"(?<![0-9])[0-9]{1,3} ?%|% ?[0-9]{1,3}",
        )
    )
)
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,200}")
_PHONE = re.compile(
    r"\+ ?\(?[0-9](?:[ ().-]{0,2}[0-9]){6,16}|(?<![\w-])\(?0(?:[ ().-]{0,2}[0-9]){8,16}"
    r"|(?<![\w-])[0-9](?:[ ().-]{0,2}[0-9]){9,16}"
)
_BOUNDARY = re.compile(
    r"[,;.!?~]|(?<!anywhere)(?<!anything) but (?!not\b)| (?:and|because|although|ama|fakat|ve|cunku"
    r"|now|actually|then) "
)


def fold(text: str) -> str:
    """Return `text` for comparison: one case, no diacritics, all four Turkish i's alike, one space, `;` for lines."""
    decomposed = unicodedata.normalize("NFKD", text[:MAX_LENGTH].translate(_LOOKALIKES))
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    lowered = bare.casefold().replace("ı", "i")
    return " ; ".join(" ".join(line.split()) for line in lowered.splitlines() if line.strip())


def without_decoys(folded: str) -> str:
    """Return `folded` with dates, times, phone numbers, references, people, durations and areas blanked."""
    return _DECOYS.sub(" ~ ", folded)


def clause_before(folded: str, start: int, *, reach: int = 60) -> str:
    """Return what precedes `start` in its own clause, at most `reach` characters of it."""
    window = folded[max(0, start - reach) : start]
    ends = [match.end() for match in _BOUNDARY.finditer(window)]
    return window[ends[-1] :] if ends else window


def clause_after(folded: str, end: int, *, reach: int = 40) -> str:
    """Return what follows `end` in its own clause, at most `reach` characters of it."""
    window = folded[end : end + reach]
    boundary = _BOUNDARY.search(window)
    return window[: boundary.start()] if boundary else window


def without_contacts(text: str) -> str:
    """Return `text` without e-mail addresses and phone numbers, and encodable as UTF-8: fit to be said aloud."""
    hidden = _PHONE.sub("[...]", _EMAIL.sub("[...]", text))
    return hidden.encode("utf-8", "ignore").decode("utf-8")
