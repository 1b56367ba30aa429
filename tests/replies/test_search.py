"""What statements add up to, and how a search is relaxed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.replies.memory_listings import MemoryListings, matches
from assistant.replies.search import combine, exceeded, recalled, relaxations, settled
from assistant.replies.seed import generate_listings
from assistant.replies.slots import hear
from assistant.replies.values import Search


def search_after(*said: str) -> Search:
    heard = hear(said[0])
    for text in said[1:]:
        heard = combine(heard, hear(text))
    return settled(heard)


def test_later_messages_add_to_earlier_ones() -> None:
    search = search_after("need a 2 bedroom", "in girne", "under 700 gbp")
    assert (search.bedrooms, search.place, search.max_price_gbp) == (2, "Girne", 700)


def test_a_later_value_replaces_an_earlier_one() -> None:
    assert search_after("2 bedrooms", "actually 3 bedrooms").bedrooms == 3


def test_clearing_removes_an_earlier_value() -> None:
    assert search_after("in girne", "any area").place is None


def test_denying_removes_the_denied_value() -> None:
    assert search_after("I want to buy", "The user no longer wants to buy").tenure is None


def test_denying_leaves_another_value_alone() -> None:
    assert search_after("I want to rent", "The user no longer wants to buy").tenure == "rent"


def test_a_denied_place_is_avoided() -> None:
    assert search_after("2 bedrooms", "not girne").avoid_places == ("Girne",)


def test_a_place_denied_and_then_wanted_is_wanted() -> None:
    assert search_after("not girne", "ok, girne").places == ("Girne",)


def test_bounds_of_the_budget_come_together() -> None:
    search = search_after("under 800 gbp", "at least 500 gbp")
    assert (search.min_price_gbp, search.max_price_gbp) == (500, 800)


def test_a_new_ceiling_below_the_old_floor_drops_the_floor() -> None:
    search = search_after("between 500 and 800", "under 400 gbp")
    assert (search.min_price_gbp, search.max_price_gbp) == (None, 400)


def test_a_monthly_budget_does_not_survive_a_change_to_buying() -> None:
    assert search_after("rent under 700 gbp", "I want to buy instead").max_price_gbp is None


def test_a_monthly_budget_overrides_a_remembered_purchase() -> None:
    assert search_after("User wants to buy", "under 700 gbp").tenure == "rent"


@pytest.mark.parametrize(("said", "tenure"), [("under 700 gbp", "rent"), ("under 150k", "sale"), ("girne", None)])
def test_the_budget_implies_the_tenure(said: str, tenure: str | None) -> None:
    assert search_after(said).tenure == tenure


def test_more_bedrooms_end_a_search_for_studios() -> None:
    search = search_after("studio", "2 bedrooms")
    assert (search.kind, search.bedrooms) == (None, 2)


def test_later_facts_override_earlier_ones() -> None:
    assert recalled(["User wants 2 bedrooms", "User now wants 3 bedrooms"]).search.bedrooms == 3


def test_facts_told_as_past_never_override() -> None:
    assert recalled(["User wants Girne", "User previously wanted Lefkoşa"]).search.place == "Girne"


@pytest.mark.parametrize(
    "fact",
    [
        "The assistant recommended a 2-bedroom apartment in Lefkoşa",
        "User was shown a villa in Lapta",
        "Listing EI-20251102-0034 has 3 bedrooms",
    ],
)
def test_facts_about_listings_are_no_wishes(fact: str) -> None:
    assert not recalled([fact])


SAYINGS = st.sampled_from(
    [
        "2 bedrooms",
        "in girne",
        "lefkoşa",
        "under 700 gbp",
        "villa",
        "any area",
        "not girne",
        "to buy",
        "kiralık",
        "150k",
        "stüdyo",
    ]
)


@given(st.lists(SAYINGS, min_size=1), SAYINGS)
def test_what_is_said_last_always_holds(earlier: list[str], last: str) -> None:
    wanted = hear(last).search
    search = search_after(*earlier, last)
    for slot in ("place", "bedrooms", "max_price_gbp", "tenure", "kind"):
        if getattr(wanted, slot) is not None:
            assert getattr(search, slot) == getattr(wanted, slot)


@given(SAYINGS, SAYINGS)
def test_saying_it_again_changes_nothing(first: str, second: str) -> None:
    assert search_after(first, second, second) == search_after(first, second)


def test_the_budget_is_stretched_before_neighbours_are_asked() -> None:
    steps = [step.widened for step in relaxations(Search(place="Girne", bedrooms=2, max_price_gbp=700))]
    assert steps == [("budget",), ("nearby",), ("budget", "nearby"), ("budget", "nearby", "bedrooms")]


def test_the_stretch_is_fifteen_percent() -> None:
    assert next(relaxations(Search(max_price_gbp=1000))).search.max_price_gbp == 1150


def test_an_open_search_cannot_be_relaxed() -> None:
    assert not list(relaxations(Search()))


def test_relaxing_never_reaches_an_avoided_place() -> None:
    wider = [step.search for step in relaxations(Search(place="Girne", avoid_places=("Alsancak",)))]
    assert all("Alsancak" not in search.places for search in wider)


@given(st.sampled_from(generate_listings()), st.sampled_from(["Girne", "Lefkoşa", None]), st.integers(0, 4))
def test_what_exceeds_nothing_matches(listing: object, place: str | None, bedrooms: int) -> None:
    search = Search(place=place, bedrooms=bedrooms)
    for found in generate_listings():
        assert matches(found, search) == (not exceeded(search, found))


def test_listings_come_cheapest_first() -> None:
    found = MemoryListings(generate_listings()).find(Search(), 100)
    assert [listing.price_gbp for listing in found] == sorted(listing.price_gbp for listing in found)


def test_a_house_may_be_a_villa() -> None:
    found = MemoryListings(generate_listings()).find(Search(kind="house"), 100)
    assert {listing.kind for listing in found} == {"house", "villa", "bungalow"}


def test_no_more_listings_are_returned_than_asked_for() -> None:
    assert len(MemoryListings(generate_listings()).find(Search(), 3)) == 3
