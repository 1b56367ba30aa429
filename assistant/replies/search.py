"""How statements about a search add up, said now over earlier, and what to relax when nothing fits.

Pure merging over values; knows no wording and no routing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from assistant.replies.slots import SLOTS, Heard, hear
from assistant.replies.text import fold
from assistant.replies.values import Listing, Search

DEAREST_RENT_GBP = 10_000
CHEAPEST_SALE_GBP = 20_000
"""A budget below the first is a monthly rent, above the second a purchase price."""

BUDGET_STRETCH_PERCENT = 15

_NO_WISH = re.compile(
    r"\bei-[0-9]{8}-[0-9]{1,6}\b|\bassistant\b|\b(?:was|were|been) (?:shown|offered|recommended"
    r"|suggested|told|given)\b|^(?:a |the )?listing\b"
)
_PAST = re.compile(r"\b(?:previously|used to|formerly|originally|initially|at first|in the past|earlier)\b")


@dataclass(frozen=True)
class Relaxation:
    """A wider search and which of `budget`, `nearby`, `kind`, `furnished`, `bedrooms` were widened to get it."""

    widened: tuple[str, ...]
    search: Search


def combine(older: Heard, newer: Heard) -> Heard:
    """Return both statements as one, in which `newer` wins and what it contradicts in `older` is dropped."""
    kept = _without(older.search, {*newer.cleared, *_contradicted(older.search, newer)})
    kept = _without_denied_places(kept, newer)
    search = _laid_over(newer.search, kept)
    still_denied = {(s, v) for s, v in older.denied if s not in newer.cleared and not _wants(newer.search, s, v)}
    denied = still_denied | newer.denied
    lost = {slot for slot in older.set_slots if getattr(search, slot) is None}
    cleared = (older.cleared | newer.cleared | lost) - {s for s in SLOTS if getattr(search, s) is not None}
    return Heard(search, frozenset(cleared), frozenset(denied))


def recalled(facts: Iterable[str]) -> Heard:
    """Return what the fact sentences add up to: later over earlier, what is told as past under everything else.

    Facts about listings and about what the assistant did say nothing of what the user wants.
    """
    wishes = [fact for fact in facts if not _NO_WISH.search(fold(fact))]
    heard = Heard()
    for fact in sorted(wishes, key=lambda fact: not _PAST.search(fold(fact))):
        heard = combine(heard, hear(fact))
    return heard


def exceeded(search: Search, listing: Listing) -> frozenset[str]:
    """Return in what `listing` goes beyond `search`, in the names of `Relaxation.widened`."""
    least, most = search.bedroom_range or (listing.bedrooms, listing.bedrooms)
    price = listing.price_gbp
    beyond = {
        "budget": not (search.min_price_gbp or 0) <= price <= (search.max_price_gbp or price),
        "nearby": listing.place not in (search.places or (listing.place,)),
        "kind": listing.kind not in (search.kinds or (listing.kind,)),
        "furnished": search.furnished not in (None, listing.furnished),
        "bedrooms": not least <= listing.bedrooms <= most,
    }
    return frozenset(name for name, is_beyond in beyond.items() if is_beyond)


def settled(heard: Heard) -> Search:
    """Return the search to run: with the avoided places, and the tenure that the budget implies if none was named."""
    avoided = tuple(sorted(str(v) for slot, v in heard.denied if slot == "place" and v not in heard.search.places))
    search = replace(heard.search, avoid_places=avoided)
    return search if search.tenure else replace(search, tenure=implied_tenure(search))


def implied_tenure(search: Search) -> str | None:
    """Return `rent` or `sale` if the budget can only mean one of them."""
    price = search.max_price_gbp if search.max_price_gbp is not None else search.min_price_gbp
    if price is None:
        return None
    if price < DEAREST_RENT_GBP:
        return "rent"
    return "sale" if price >= CHEAPEST_SALE_GBP else None


def relaxations(search: Search, *, stretch: bool = True) -> Iterator[Relaxation]:
    """Yield wider searches in the order to try; without `stretch` the budget stays.

    Budget +15 %; nearby; both; any kind and furnishing; those three together; these and one bedroom either way.
    """
    dearer, nearby = _dearer(search) if stretch else None, _nearby(search)
    both = _dearer(nearby) if dearer and nearby else None
    any_kind = replace(search, kind=None, furnished=None) if search.kind or search.furnished is not None else None
    looser = replace(both or nearby or dearer or search, kind=None, furnished=None)
    steps: tuple[tuple[tuple[str, ...], Search | None], ...] = (
        (("budget",), dearer),
        (("nearby",), nearby),
        (("budget", "nearby"), both),
        (_names(search, any_kind), any_kind),
        (_names(search, looser), looser if any_kind else None),
        ((*_names(search, looser), "bedrooms"), _either_way(looser)),
    )
    return (Relaxation(widened, wider) for widened, wider in steps if wider)


def _names(search: Search, looser: Search | None) -> tuple[str, ...]:
    if looser is None:
        return ()
    changed = (
        ("budget", looser.max_price_gbp != search.max_price_gbp or looser.min_price_gbp != search.min_price_gbp),
        ("nearby", looser.places != search.places),
        ("kind", looser.kind != search.kind),
        ("furnished", looser.furnished != search.furnished),
    )
    return tuple(name for name, is_changed in changed if is_changed)


def _dearer(search: Search | None) -> Search | None:
    if search is None or (search.max_price_gbp is None and search.min_price_gbp is None):
        return None
    least, most = search.min_price_gbp, search.max_price_gbp
    return replace(
        search,
        min_price_gbp=least and least * (100 - BUDGET_STRETCH_PERCENT) // 100,
        max_price_gbp=most and most * (100 + BUDGET_STRETCH_PERCENT) // 100,
    )


def _nearby(search: Search) -> Search | None:
    near = search.nearby_places
    return replace(search, or_places=search.or_places + near) if near else None


def _either_way(search: Search) -> Search | None:
    around = search.bedroom_range
    return around and replace(search, bedrooms=max(0, around[0] - 1), max_bedrooms=around[1] + 1)


def _contradicted(older: Search, newer: Heard) -> Iterator[str]:
    """Yield the slots of `older` that cannot stand beside what `newer` says."""
    said = newer.search
    yield from (
        slot for slot, value in newer.denied if slot not in ("place", "bedrooms") and _wants(older, slot, value)
    )
    if ("bedrooms", (older.bedrooms, older.max_bedrooms)) in newer.denied:
        yield "bedrooms"
    if said.bedrooms and older.kind == "studio":
        yield "kind"
    if said.kind and said.kind != "studio" and older.bedrooms == 0:
        yield "bedrooms"
    if said.max_price_gbp is not None and (older.min_price_gbp or 0) > said.max_price_gbp:
        yield "min_price_gbp"
    if said.min_price_gbp is not None and said.min_price_gbp > (older.max_price_gbp or said.min_price_gbp):
        yield "max_price_gbp"
    yield from _of_the_other_tenure(older, said)


def _of_the_other_tenure(older: Search, said: Search) -> Iterator[str]:
    """Yield the price bounds that the tenure said now rules out, or the tenure that the price rules out."""
    if said.tenure and implied_tenure(older) not in (None, said.tenure):
        yield from ("min_price_gbp", "max_price_gbp")
    if not said.tenure and implied_tenure(said) not in (None, older.tenure):
        yield "tenure"


def _without_denied_places(search: Search, newer: Heard) -> Search:
    left = tuple(place for place in search.places if ("place", place) not in newer.denied)
    return replace(search, place=left[0] if left else None, or_places=left[1:])


def _without(search: Search, slots: Iterable[str]) -> Search:
    changes: dict[str, Any] = {name: () if name == "or_places" else None for slot in slots for name in SLOTS[slot]}
    return replace(search, **changes)


def _laid_over(newer: Search, older: Search) -> Search:
    changes: dict[str, Any] = {
        name: getattr(newer, name)
        for slot, names in SLOTS.items()
        if getattr(newer, slot) is not None
        for name in names
    }
    return replace(older, **changes)


def _wants(search: Search, slot: str, value: object) -> bool:
    if slot == "place":
        return value in search.places
    if slot == "bedrooms":
        return (search.bedrooms, search.max_bedrooms) == value
    return bool(getattr(search, slot) == value)
