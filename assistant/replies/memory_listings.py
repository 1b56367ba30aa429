"""Listings held in memory, and the one rule by which every source filters and orders them; knows no relaxations.

Filter (all of them, each only if the search names it): place among `search.places`; place not among
`search.avoid_places`; kind among `search.kinds`; tenure equal; bedrooms within `search.bedroom_range`, ends included;
price within `min_price_gbp` and `max_price_gbp`, ends included; furnished equal.
Order: price ascending, then area descending, then reference ascending.
"""

from collections.abc import Iterable, Sequence

from assistant.replies.values import Listing, Search


class MemoryListings:
    """A `ListingSource` over a sequence."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self._listings = tuple(sorted(listings, key=rank))

    def find(self, search: Search, limit: int) -> Sequence[Listing]:
        """Return at most `limit` matches, best first."""
        return [listing for listing in self._listings if matches(listing, search)][:limit]

    def get(self, reference: str) -> Listing | None:
        """Return the listing with this reference."""
        return next((listing for listing in self._listings if listing.reference == reference), None)


def rank(listing: Listing) -> tuple[int, int, str]:
    """Return the sort key: cheapest first, then largest, then by reference."""
    return listing.price_gbp, -listing.area_m2, listing.reference


def matches(listing: Listing, search: Search) -> bool:
    """Claim that `listing` satisfies every slot that `search` names."""
    least, most = search.bedroom_range or (listing.bedrooms, listing.bedrooms)
    return all(
        (
            listing.place in (search.places or (listing.place,)),
            listing.place not in search.avoid_places,
            listing.kind in (search.kinds or (listing.kind,)),
            search.tenure in (None, listing.tenure),
            least <= listing.bedrooms <= most,
            search.min_price_gbp is None or listing.price_gbp >= search.min_price_gbp,
            search.max_price_gbp is None or listing.price_gbp <= search.max_price_gbp,
            search.furnished in (None, listing.furnished),
        )
    )
