"""The listings in the database, found by the rule that `replies.memory_listings` states for every source."""

from collections.abc import Sequence

from django.db.models import Q

from assistant.models import Listing as Row
from assistant.replies.values import Listing, Search


class StoredListings:
    """A `ListingSource` over the database. One query a search."""

    def find(self, search: Search, limit: int) -> Sequence[Listing]:
        """Return at most `limit` matches, best first."""
        rows = Row.objects.filter(_matching(search)).order_by("price_gbp", "-area_m2", "reference")[:limit]
        return [_listing(row) for row in rows]

    def get(self, reference: str) -> Listing | None:
        """Return the listing with this reference. One query."""
        row = Row.objects.filter(pk=reference).first()
        return _listing(row) if row else None


def _listing(row: Row) -> Listing:
    return Listing(
        reference=row.reference,
        title=row.title,
        place=row.place,
        kind=row.kind,
        tenure=row.tenure,
        bedrooms=row.bedrooms,
        price_gbp=row.price_gbp,
        area_m2=row.area_m2,
        furnished=row.furnished,
        description=row.description,
    )


def _matching(search: Search) -> Q:
    """Every slot that the search names, and nothing for those it does not."""
    least, most = search.bedroom_range or (None, None)
    wanted = {
        "place__in": search.places or None,
        "kind__in": search.kinds or None,
        "tenure": search.tenure,
        "bedrooms__gte": least,
        "bedrooms__lte": most,
        "price_gbp__gte": search.min_price_gbp,
        "price_gbp__lte": search.max_price_gbp,
        "furnished": search.furnished,
    }
    named = Q(**{lookup: value for lookup, value in wanted.items() if value is not None})
    return named & ~Q(place__in=search.avoid_places) if search.avoid_places else named
