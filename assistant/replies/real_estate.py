"""The real-estate agent: runs the settled search, relaxes it when nothing fits, and words what it found and assumed."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

from assistant.replies.places import ELSEWHERE
from assistant.replies.search import Relaxation, exceeded, relaxations
from assistant.replies.text import fold
from assistant.replies.values import Language, Listing, ListingSource, Reply, Search
from assistant.replies.wording import conversion, listing_line, parts, price, say, summary, widened

AGENT = "real_estate"
MOST_RECOMMENDED = 5


@dataclass(frozen=True)
class Brief:
    """What to search and how: `purpose` from the routing, `assumed` the slots known only from memory."""

    search: Search
    purpose: str
    lang: Language
    shown: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    announced: str = ""
    notes: tuple[str, ...] = ()
    not_minded: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Found:
    """Listings to show, whether there are more, and what was widened to find them."""

    listings: tuple[Listing, ...] = ()
    more: bool = False
    relaxed: tuple[str, ...] = ()


def answer(brief: Brief, listings: ListingSource) -> Reply:
    """Return recommendations for the brief's search, or the question that is most useful to ask."""
    if brief.purpose == "change":
        return _reply(brief, Found(), [say("what_to_change", brief.lang)])
    searchable = brief.search.places or brief.search.bedrooms is not None or brief.purpose in ("more", "cheaper")
    if not searchable:
        return _reply(brief, Found(), [_introduction(brief), _question(brief)])
    found = _looked_up(brief, listings)
    numbered = [f"{n}. {listing_line(listing, brief.lang)}" for n, listing in enumerate(found.listings, start=1)]
    hint = say("say_more", brief.lang) if found.more else ""
    return _reply(brief, found, [_introduction(brief), _verdict(brief, found), *numbered, hint, _question(brief)])


def describe(reference: str, search: Search, lang: Language, listings: ListingSource) -> Reply:
    """Return one listing in full."""
    listing = listings.get(reference)
    rich: dict[str, object] = {"search": search_as_json(search), "recommendations": []}
    if listing is None:
        return Reply(say("unknown_listing", lang), AGENT, rich)
    rich["recommendations"] = [recommendation(listing, lang)]
    text = say("details", lang, line=listing_line(listing, lang), description=listing.description)
    return Reply(text, AGENT, rich)


def scope_notes(said: str, intents: Collection[str], heard: Search, lang: Language) -> tuple[str, ...]:
    """Return what has to be said about wishes that no listing can meet."""
    names_a_home = heard.kind is not None or heard.bedrooms is not None
    elsewhere = [say("elsewhere", lang)] if ELSEWHERE.search(fold(said)) else []
    homes_only = [say("homes_only", lang)] if "out_of_scope" in intents and not names_a_home else []
    return (*homes_only, *elsewhere)


def assumed_as_json(search: Search, assumed: Collection[str], lang: Language) -> list[dict[str, object]]:
    """Return each assumed slot with its value and its words."""
    words = assumed_words(search, assumed, lang)
    return [{"slot": slot, "value": getattr(search, slot), "text": text} for slot, text in words.items()]


def assumed_words(search: Search, assumed: Collection[str], lang: Language) -> dict[str, str]:
    """Return the words for the assumed slots; a bound that memory shares with the user is worded alone."""
    least = search.min_price_gbp if "min_price_gbp" in assumed else None
    most = search.max_price_gbp if "max_price_gbp" in assumed else None
    remembered = replace(search, min_price_gbp=least, max_price_gbp=most)
    return {slot: text for slot, text in parts(remembered, lang).items() if slot in assumed}


def search_as_json(search: Search) -> dict[str, object]:
    """Return the named slots of `search`."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(search).items()
        if value is not None and value != ()
    }


def recommendation(listing: Listing, lang: Language) -> dict[str, object]:
    """Return a listing as it is sent to the page."""
    return {
        "reference": listing.reference,
        "title": listing.title,
        "place": listing.place,
        "kind": listing.kind,
        "tenure": listing.tenure,
        "bedrooms": listing.bedrooms,
        "price_gbp": listing.price_gbp,
        "price_text": price(listing.price_gbp, listing.tenure, lang),
        "area_m2": listing.area_m2,
        "furnished": listing.furnished,
    }


def _looked_up(brief: Brief, listings: ListingSource) -> Found:
    search = _below_what_was_shown(brief, listings) if brief.purpose == "cheaper" else brief.search
    hidden = brief.shown if brief.purpose in ("more", "cheaper") else ()
    exact = _page(search, hidden, listings)
    if exact.listings:
        return exact
    for wider in relaxations(search, stretch=brief.purpose != "cheaper"):
        found = _page(search, hidden, listings, wider)
        if found.listings:
            return found
    return Found()


def _page(search: Search, hidden: Collection[str], listings: ListingSource, wider: Relaxation | None = None) -> Found:
    candidates = listings.find(wider.search if wider else search, MOST_RECOMMENDED + len(hidden) + 1)
    fresh = [listing for listing in candidates if listing.reference not in hidden]
    page = tuple(fresh[:MOST_RECOMMENDED])
    beyond = {name for listing in page for name in exceeded(search, listing)}
    relaxed = tuple(name for name in wider.widened if name in beyond) if wider else ()
    return Found(page, len(fresh) > MOST_RECOMMENDED, relaxed)


def _below_what_was_shown(brief: Brief, listings: ListingSource) -> Search:
    """Return the search capped below its cheapest listing, which was shown first."""
    cheapest = next(iter(listings.find(brief.search, 1)), None)
    if cheapest is None:
        return brief.search
    return replace(brief.search, min_price_gbp=None, max_price_gbp=cheapest.price_gbp - 1)


def _introduction(brief: Brief) -> str:
    said = summary(brief.search, brief.lang)
    lines = [
        *brief.notes,
        say("search", brief.lang, parts=said) if said else say("no_search", brief.lang),
        conversion(brief.search, brief.lang),
    ]
    return "\n".join(line for line in lines if line)


def _verdict(brief: Brief, found: Found) -> str:
    missing = {"more": "no_more", "cheaper": "none_cheaper"}.get(brief.purpose, "none")
    if not found.listings:
        return say(missing, brief.lang)
    if found.relaxed:
        name = {"more": "widened_more", "cheaper": "widened_cheaper"}.get(brief.purpose, "widened")
        return say(name, brief.lang, how=widened(found.relaxed, brief.lang))
    return say("next" if brief.purpose == "more" else "fits", brief.lang)


def _question(brief: Brief) -> str:
    """Return the question for the most useful slot that is open and not waved aside; nothing once there is enough."""
    search = brief.search
    has_price = search.max_price_gbp is not None or search.min_price_gbp is not None
    known = {
        "place": bool(search.places),
        "tenure": bool(search.tenure),
        "bedrooms": search.bedrooms is not None,
        "price": has_price,
    }
    waved = {"price" if slot.endswith("price_gbp") else slot for slot in brief.not_minded}
    missing = next((slot for slot, is_known in known.items() if not is_known and slot not in waved), None)
    return say(f"ask_{missing}", brief.lang) if missing else ""


def _reply(brief: Brief, found: Found, lines: list[str]) -> Reply:
    rich: dict[str, object] = {
        "recommendations": [recommendation(listing, brief.lang) for listing in found.listings],
        "search": search_as_json(brief.search),
        "assumed": assumed_as_json(brief.search, brief.assumed, brief.lang),
        "relaxed": list(found.relaxed),
    }
    return Reply("\n".join(line for line in [_remembered(brief), *lines] if line), AGENT, rich)


def _remembered(brief: Brief) -> str:
    """Return the sentence that says what was assumed from memory, without what was already announced in this thread."""
    words = assumed_words(brief.search, brief.assumed, brief.lang).values()
    fresh = [text for text in words if text not in brief.announced]
    return say("remembered", brief.lang, parts=", ".join(fresh)) if fresh else ""
