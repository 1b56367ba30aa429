"""Derives prose facts from what a user wrote, in English or Turkish; pure text in, facts out, no storage.

It stands in for Zep's knowledge graph, which uses a language model: four things are understood, and of each
only what was stated last. Sentences are English whatever the language of the message, as the graph's are.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PLACES: dict[str, tuple[str, ...]] = {
    "Girne": ("girne", "kyrenia", "keryneia"),
    "Lefkoşa": ("lefkosa", "nicosia", "lefkosia"),
    "Gazimağusa": ("gazimagusa", "gazi magusa", "magusa", "famagusta", "ammochostos"),
    "İskele": ("iskele", "trikomo"),
    "Güzelyurt": ("guzelyurt", "morphou"),
    "Lefke": ("lefke", "lefka"),
    "Alsancak": ("alsancak", "karavas"),
    "Lapta": ("lapta", "lapithos"),
    "Çatalköy": ("catalkoy",),
    "Esentepe": ("esentepe",),
    "Long Beach": ("long beach", "longbeach"),
    "Bafra": ("bafra",),
    "Karpaz": ("karpaz", "dipkarpaz", "karpas", "karpasia"),
    "Karşıyaka": ("karsiyaka",),
    "Tatlısu": ("tatlisu",),
    "Ozanköy": ("ozankoy",),
    "Bellapais": ("bellapais", "beylerbeyi"),
    "Karaoğlanoğlu": ("karaoglanoglu",),
    "Yeni Boğaziçi": ("yeni bogazici", "yenibogazici"),
    "Gönyeli": ("gonyeli",),
}
_NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "bir": 1, "iki": 2, "uc": 3, "dort": 4, "bes": 5, "alti": 6,
}  # fmt: skip
_CURRENCIES: dict[str, tuple[str, ...]] = {
    "GBP": ("£", "gbp", "stg", "pounds?", r"sterlin\w*"),
    "EUR": ("€", "eur", "euros?", r"avro\w*"),
    "USD": (r"\$", "usd", "dollars?", r"dolar\w*"),
    "TRY": ("₺", "tl", "try", r"(?:turk )?liras?i?"),
}
_THOUSAND = len("000")
_SCALES = {"k": 1e3, "bin": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "milyon": 1e6}

# Case endings that follow a Turkish place name, with or without the apostrophe: Girne'de, Lefkoşa’ya.
_CASE_ENDING = r"(?:['’]?(?:[dt][ea](?:n|ki)?|y[eai]|n[iu]n|[eai]|li))?"
_SCALE = rf"(?:\s?(?P<scale>{'|'.join(sorted(_SCALES, key=len, reverse=True))})\b)?"
_MONEY = "|".join(form for forms in _CURRENCIES.values() for form in forms)
_AMOUNT = r"(?<![\d.,+])(?P<amount>\d{1,9}(?:[.,]\d{1,3})*)"

_BEDROOMS = re.compile(
    rf"(?<![\d+.,])(?P<plus>[1-9])\s?\+\s?[01](?!\d)"
    rf"|\b(?P<count>[1-9]|{'|'.join(_NUMBER_WORDS)})[\s-]*"
    r"(?:(?:double |large )?bed(?:room)?s?(?:ed)?\b|br\b|bdrm?\b|yatak\s*oda\w*)"
    r"|\b(?P<studio>studio|studyo)\w*"
)
_PLACE = re.compile(
    "|".join(rf"\b(?P<p{number}>{'|'.join(aliases)}){_CASE_ENDING}\b" for number, aliases in enumerate(PLACES.values()))
)
_BUDGET = re.compile(
    rf"(?P<before>£|€|\$|₺)\s?{_AMOUNT}{_SCALE}"
    rf"|{_AMOUNT.replace('amount', 'amount2')}{_SCALE.replace('scale', 'scale2')}\s?(?P<after>{_MONEY})(?!\w)"
    rf"|\b(?:budget|butce)[^\d£€$₺.!?]{{0,24}}"
    rf"{_AMOUNT.replace('amount', 'amount3')}{_SCALE.replace('scale', 'scale3')}"
    rf"(?:\s?(?P<after3>{_MONEY})(?!\w))?"
)
_TENURE = re.compile(
    r"\b(?P<rent>rent(?:al|als|ing)?\b(?! an? (?:car|scooter|bike))(?! car)"
    r"|(?<!araba )(?<!arac )kira(?!z|\w* (?:araba|arac|oto))\w*)"
    r"|\b(?P<buy>buy(?:ing)?\b|purchas(?:e|ing)\b|for sale\b|satilik\w*|satin al\w*|ev almak\b)"
)
_DENIED_BEFORE = re.compile(r"(?:\bnot|n['’]t|\binstead of|\brather than|\bno longer)(?:\s+\w+){0,2}\s*$")
_DENIED_AFTER = re.compile(r"^(?:\s+(?:ev|daire))?\s*(?:degil|yerine|istemiyor)")
_NOT_A_BUDGET = re.compile(r"(?:deposit|depozito)\w*(?:\s+\w+){0,2}\s*$")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing a user stated. A later statement about the same `subject` replaces it."""

    subject: str
    sentence: str


def extract(text: str) -> list[Statement]:
    """Return what `text` states, at most one statement for each subject: the last one in it."""
    plain = fold(text)
    found = ((subject, _last(plain, pattern, read)) for subject, (pattern, read) in _SUBJECTS.items())
    return [Statement(subject, sentence) for subject, sentence in found if sentence]


def fold(text: str) -> str:
    """Return `text` without case or diacritics: İSKELE, Iskele and ıskele are one word."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(c for c in parts if not unicodedata.combining(c)).replace("ı", "i").casefold()


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w{2,}", fold(text)))


def by_relevance(sentences: list[str], query: str) -> list[int]:
    """Return the positions of `sentences`: most words shared with `query` first, then the last first."""
    asked = words(query)
    return sorted(range(len(sentences)), key=lambda at: (-len(asked & words(sentences[at])), -at))


def _last(text: str, pattern: re.Pattern[str], read: Callable[[re.Match[str]], str]) -> str:
    sentences = [read(match) for match in _affirmed(text, pattern)]
    return sentences[-1] if sentences else ""


def _affirmed(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    for match in pattern.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        after = text[match.end() : match.end() + 40]
        excluded = pattern is _BUDGET and _NOT_A_BUDGET.search(before)
        if not (_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(after) or excluded):
            yield match


def _bedrooms(match: re.Match[str]) -> str:
    if match["studio"]:
        return "The user is looking for a studio."
    said = match["plus"] or match["count"]
    number = _NUMBER_WORDS.get(said) or int(said)
    return f"The user is looking for a property with {number} bedroom{'' if number == 1 else 's'}."


def _place(match: re.Match[str]) -> str:
    number = int((match.lastgroup or "p0")[1:])
    return f"The user wants to live in {list(PLACES)[number]}."


def _budget(match: re.Match[str]) -> str:
    amount = _number(match["amount"] or match["amount2"] or match["amount3"])
    scale = _SCALES.get(match["scale"] or match["scale2"] or match["scale3"] or "", 1)
    currency = _currency(match["before"] or match["after"] or match["after3"] or "")
    return f"The user's budget is up to {f'{amount * scale:.2f}'.removesuffix('.00')}{currency}."


def _number(digits: str) -> float:
    """Read 1.200, 1,200 and 1.200,50 alike: a separator before exactly three digits groups thousands."""
    *groups, last = re.split(r"[.,]", digits)
    if not groups:
        return float(last)
    return float("".join(groups) + ("" if len(last) == _THOUSAND else ".") + last)


def _currency(said: str) -> str:
    codes = (code for code, forms in _CURRENCIES.items() if re.fullmatch("|".join(forms), said))
    return f" {code}" if said and (code := next(codes, "")) else ""


def _tenure(match: re.Match[str]) -> str:
    return "The user wants to rent." if match["rent"] else "The user wants to buy."


_SUBJECTS: dict[str, tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = {
    "bedrooms": (_BEDROOMS, _bedrooms),
    "place": (_PLACE, _place),
    "budget": (_BUDGET, _budget),
    "tenure": (_TENURE, _tenure),
}
