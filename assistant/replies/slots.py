"""What one text says about a search: slots set, cleared and denied, from messages and from fact sentences alike.

Tables of patterns over folded text; knows nothing of earlier messages except which slot was just asked for.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from assistant.replies import money
from assistant.replies.bedrooms import bare_count, bedroom_mentions
from assistant.replies.careless import waved_aside
from assistant.replies.mentions import Mention, polarised
from assistant.replies.places import BY_ALIAS, PLACE_PATTERN
from assistant.replies.text import clause_after, clause_before, fold, without_decoys
from assistant.replies.values import Search

SLOTS: dict[str, tuple[str, ...]] = {
    "place": ("place", "or_places"),
    "bedrooms": ("bedrooms", "max_bedrooms"),
    "min_price_gbp": ("min_price_gbp",),
    "max_price_gbp": ("max_price_gbp", "converted_from"),
    "tenure": ("tenure",),
    "kind": ("kind",),
    "furnished": ("furnished",),
}
"""Each slot and the fields of `Search` that move with it."""


@dataclass(frozen=True)
class Heard:
    """What a text says: what it wants, `cleared` slots it does not care about, `denied` values it rules out."""

    search: Search = field(default_factory=Search)
    cleared: frozenset[str] = frozenset()
    denied: frozenset[tuple[str, object]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.cleared or self.denied or self.set_slots)

    @property
    def set_slots(self) -> tuple[str, ...]:
        """Names of the slots that have a value."""
        return tuple(slot for slot in SLOTS if getattr(self.search, slot) is not None)


WORDS: tuple[tuple[str, object, re.Pattern[str]], ...] = tuple(
    (slot, value, re.compile(pattern))
    for slot, value, pattern in (
        (
            "tenure",
            "rent",
            r"\b(?:rent|rents|renting|rented|rentals?|to let(?! (?:you|me|us|them|him|her|go)\b)|lease"
            r"|leasing|tenancy|kira|kiraya"
            r"|kiralik\w{0,6}|kirala\w{0,12}|kiraci\w{0,6})\b",
        ),
        (
            "tenure",
            "sale",
            r"\b(?:buy|buying|purchase|purchasing|for sale|on sale|sale|sales|satilik\w{0,6}"
            r"|satin al\w{0,10})\b",
        ),
        ("kind", "villa", r"\bvilla(?:s|lar|si|yi|da|ya)?\b"),
        (
            "kind",
            "studio",
            r"\b(?:studios?|studyo(?:lar|su)?)\b(?: (?:apartments?|flats?|daire(?:ler)?|apt))?",
        ),
        ("kind", "penthouse", r"\b(?:pent ?house|penthouses|cati kati)\b"),
        ("kind", "bungalow", r"\b(?:bungalows?|bungalov(?:lar)?)\b"),
        (
            "kind",
            "apartment",
            r"\b(?:apartments?|appartments?|flats?|apts?|condos?|daire(?:ler|leri|lik|ye|yi|de)?"
            r"|apartman(?:lar)?)\b",
        ),
        ("kind", "house", r"\b(?:houses?|town ?houses?|mustakil(?: ev)?|ev|evi|evler|evleri)\b"),
        ("furnished", False, r"\b(?:unfurnished|not furnished|esyasiz|mobilyasiz)\b"),
        ("furnished", True, r"\b(?:(?:fully |part )?furnished|esyali|mobilyali)\b"),
    )
)

_OTHER_GOODS = re.compile(
    r"^(?: (?:an?|the|some|my|me|us|new|used|cheap|second|hand|to|of)){0,4} (?:cars?|vehicles?"
    r"|scooters?|motor\w{0,6}|bikes?|bicycles?|boats?|sim|"
    r"phones?|food|furniture|tickets?|groceries|stamps?|clothes|coffee|beer|wine|araba\w{0,5}"
    r"|arac\w{0,5}|bilet\w{0,4})\b"
)
_OTHER_GOODS_BEFORE = re.compile(
    r"\b(?:cars?|scooters?|bikes?|boats?|araba|arac|oto|otomobil|motor|motosiklet|bisiklet"
    r"|tekne)(?:y?[iu])? $"
)
_OWN_PROPERTY = re.compile(r"^ (?:out|my)\b|^ (?:agreement|contract|increase|deposit)")

_BARE_BUDGET = re.compile(r"^(?:around |about |say |maybe |max |~)?[£€$]?(?P<n>[0-9][0-9.,]{1,10})[ .!]*$")


def hear(text: str, *, asked: str | None = None, in_search: bool = False) -> Heard:
    """Return what `text` says; `asked` is the slot the assistant just asked for, `in_search` that a search is open.

    Either lets a bare number be understood; without them it means nothing.
    """
    folded = without_decoys(fold(text))
    mentions = polarised(folded, [*_places(folded), *bedroom_mentions(folded), *_words(folded)])
    heard = _reduced(mentions)
    heard = _priced(heard, money.prices(folded))
    heard = replace(heard, cleared=frozenset(waved_aside(folded, asked)) - set(heard.set_slots))
    return heard if heard else _bare(folded, asked, in_search=in_search)


def _places(folded: str) -> Iterator[Mention]:
    for match in PLACE_PATTERN.finditer(folded):
        yield Mention("place", BY_ALIAS[match["name"]], match.start(), match.end())


def _words(folded: str) -> Iterator[Mention]:
    for slot, value, pattern in WORDS:
        for match in pattern.finditer(folded):
            if slot == "tenure" and _is_other_deal(folded, match):
                continue
            yield Mention(slot, value, match.start(), match.end())
            if value == "studio":
                yield Mention("bedrooms", (0, None), match.start(), match.end())


def _is_other_deal(folded: str, match: re.Match[str]) -> bool:
    """Claim that the rent or sale is of a car, a ticket, or the speaker's own home."""
    after = clause_after(folded, match.end())
    before = clause_before(folded, match.start())
    return bool(_OTHER_GOODS.match(after) or _OTHER_GOODS_BEFORE.search(before) or _OWN_PROPERTY.match(after))


def _reduced(mentions: Iterable[Mention]) -> Heard:
    heard = Heard()
    for mention in mentions:
        if mention.denied:
            heard = replace(heard, denied=heard.denied | {(mention.slot, mention.value)})
        else:
            heard = replace(heard, search=_SETTERS[mention.slot](heard.search, mention))
    wanted = {("place", place) for place in heard.search.places} | {
        (slot, getattr(heard.search, slot)) for slot in ("tenure", "kind", "furnished")
    }
    return replace(heard, denied=heard.denied - wanted)


def _with_place(search: Search, mention: Mention) -> Search:
    place = str(mention.value)
    if mention.joined and search.place:
        others = tuple(dict.fromkeys((*search.or_places, place)))
        return replace(search, or_places=tuple(p for p in others if p != search.place))
    return replace(search, place=place, or_places=())


def _with_bedrooms(search: Search, mention: Mention) -> Search:
    low, high = _pair(mention.value)
    if mention.joined and search.bedrooms is not None:
        ends = (search.bedrooms, search.max_bedrooms or search.bedrooms, low, high or low)
        return replace(search, bedrooms=min(ends), max_bedrooms=max(ends))
    kind = None if search.kind == "studio" and low else search.kind
    return replace(search, bedrooms=low, max_bedrooms=high, kind=kind)


def _with_word(search: Search, mention: Mention) -> Search:
    either = mention.joined and getattr(search, mention.slot) not in (None, mention.value)
    changes: dict[str, Any] = {mention.slot: None if either else mention.value}
    return replace(search, **changes)


def _pair(value: object) -> tuple[int, int | None]:
    match value:
        case (int(low), int() | None as high):
            return low, high
    raise TypeError(f"not a range of bedrooms: {value!r}")


_SETTERS: dict[str, Callable[[Search, Mention], Search]] = {
    "place": _with_place,
    "bedrooms": _with_bedrooms,
    "tenure": _with_word,
    "kind": _with_word,
    "furnished": _with_word,
}


def _priced(heard: Heard, found: Iterable[money.Price]) -> Heard:
    search = heard.search
    for price in found:
        least = search.min_price_gbp if price.least is None else price.least
        most = search.max_price_gbp if price.most is None else price.most
        search = replace(search, min_price_gbp=least, max_price_gbp=most, converted_from=price.converted_from)
        if price.monthly and search.tenure is None:
            search = replace(search, tenure="rent")
    return replace(heard, search=search)


def _bare(folded: str, asked: str | None, *, in_search: bool) -> Heard:
    """Understand a message that is nothing but a number, by what was asked or else by its size."""
    if not (asked or in_search):
        return Heard()
    count = bare_count(folded)
    if count is not None:
        return Heard(Search(bedrooms=count))
    amount = _BARE_BUDGET.match(folded)
    if amount and any(char.isdigit() for char in amount["n"]):
        return _priced(Heard(), money.prices(f"max {amount['n'].rstrip('.,')}"))
    return _priced(Heard(), money.prices(f"between {folded[:_BARE_RANGE]}"))


_BARE_RANGE = 30
