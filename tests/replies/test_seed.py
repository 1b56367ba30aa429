"""The seed of listings."""

import re
from itertools import product

import pytest

from assistant.replies import MemoryListings, compose
from assistant.replies.places import BY_NAME
from assistant.replies.seed import MONTHLY_RENT_GBP, generate_listings
from tests.replies.conversations import LISTINGS, recommended


def test_the_seed_is_the_same_every_time() -> None:
    assert generate_listings() == generate_listings()


def test_there_are_at_least_sixty_listings() -> None:
    assert len(generate_listings()) >= 60


def test_a_longer_seed_starts_with_the_shorter_one() -> None:
    assert generate_listings(300)[:72] == generate_listings(72)


@pytest.mark.parametrize("count", [0, 1, 5, 72, 500])
def test_as_many_are_made_as_asked_for(count: int) -> None:
    assert len(generate_listings(count)) == count


def test_references_are_unique_and_well_formed() -> None:
    references = [listing.reference for listing in generate_listings(500)]
    assert len(set(references)) == 500
    assert all(re.fullmatch(r"EI-[0-9]{8}-[0-9]{4}", reference) for reference in references)


def test_every_listing_is_in_a_known_place() -> None:
    assert {listing.place for listing in generate_listings(300)} <= set(BY_NAME)


@pytest.mark.parametrize(
    ("place", "tenure", "bedrooms"), list(product(MONTHLY_RENT_GBP, ("to rent", "for sale"), (1, 2, 3)))
)
def test_every_usual_wish_finds_something(place: str, tenure: str, bedrooms: int) -> None:
    reply = compose(f"{bedrooms} bedroom {tenure} in {place}", recent=(), facts=(), listings=LISTINGS)
    assert recommended(reply)


def test_a_larger_seed_meets_every_usual_wish_exactly() -> None:
    listings = MemoryListings(generate_listings(240))
    for place, tenure, bedrooms in product(MONTHLY_RENT_GBP, ("to rent", "for sale"), (1, 2, 3)):
        reply = compose(f"{bedrooms} bedroom {tenure} in {place}", recent=(), facts=(), listings=listings)
        assert (reply.rich or {})["relaxed"] == []
