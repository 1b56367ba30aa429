"""What one text says about a search, in English and Turkish, from messages and from fact sentences."""

from typing import Any

import pytest

from assistant.replies.slots import hear
from assistant.replies.values import MANY_BEDROOMS, Search


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("girne", "Girne"),
        ("GİRNE", "Girne"),
        ("GIRNE", "Girne"),
        ("Kyrenia please", "Girne"),
        ("Girne'de", "Girne"),
        ("girnede", "Girne"),
        ("Girne’ye yakın", "Girne"),
        ("Lefkosa", "Lefkoşa"),
        ("LEFKOŞA'DA", "Lefkoşa"),
        ("in Nicosia", "Lefkoşa"),
        ("Mağusa'dan", "Gazimağusa"),
        ("Magusa", "Gazimağusa"),
        ("Gazimağusa", "Gazimağusa"),
        ("Famagusta's old town", "Gazimağusa"),
        ("Iskele", "İskele"),
        ("İSKELE", "İskele"),
        ("long beach", "Long Beach"),
        ("Catalkoy", "Çatalköy"),
        ("Çatalköy'de", "Çatalköy"),
        ("alsancak", "Alsancak"),
        ("Lapithos", "Lapta"),
        ("esentepe", "Esentepe"),
        ("Karpaz", "Karpaz"),
        ("Morphou", "Güzelyurt"),
        ("Lefke'de", "Lefke"),
        ("Bogaz", "Boğaz"),
        ("not Girne, Lefkoşa instead", "Lefkoşa"),
        ("not girne lefkosa", "Lefkoşa"),
        ("Girne değil Lefkoşa", "Lefkoşa"),
        ("Girne yerine Lefkoşa", "Lefkoşa"),
        ("actually lefkosa", "Lefkoşa"),
        ("why not girne", "Girne"),
        ("any place in girne", "Girne"),
        ("I moved from Lefkoşa to Girne", "Girne"),
        ("I work in Lefkoşa and need a flat in Girne", "Girne"),
        ("moving from London to Girne", "Girne"),
    ],
)
def test_a_place_is_understood_however_it_is_written(said: str, place: str) -> None:
    assert hear(said).search.place == place


@pytest.mark.parametrize(
    "said",
    [
        "boğazım ağrıyor",
        "boğaz ağrısı",
        "I work in Lefkoşa",
        "Ada lives in Girne",
        "Girne'de çalışıyorum",
        "anywhere but girne",
        "I don't want Girne",
        "a.girne@example.com",
        "lefkara lace",
    ],
)
def test_what_is_not_a_wished_place_sets_none(said: str) -> None:
    assert hear(said).search.place is None


@pytest.mark.parametrize(
    ("said", "bedrooms"),
    [
        ("2 bedroom", 2),
        ("two-bed", 2),
        ("2br", 2),
        ("2-bedroom flat", 2),
        ("2+1", 2),
        ("apartment 2+1", 2),
        ("3+1 villa 200000 gbp", 3),
        ("studio", 0),
        ("stüdyo daire", 0),
        ("iki yatak odalı", 2),
        ("3 odalı", 3),
        ("tek yatak odalı", 1),
        ("one bedroom", 1),
        ("actually 3 bedrooms", 3),
        ("no 3 bedrooms", 3),
        ("2 bedrooms for 3 people", 2),
        ("not 2 bedrooms, 3 bedrooms", 3),
        ("bedrooms: 2", 2),
    ],
)
def test_bedrooms_are_counted(said: str, bedrooms: int) -> None:
    assert hear(said).search.bedrooms == bedrooms


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ("2 or 3 bedrooms", (2, 3)),
        ("2-3 bedrooms", (2, 3)),
        ("2+1 veya 3+1", (2, 3)),
        ("at least 2 bedrooms", (2, MANY_BEDROOMS)),
        ("3+ bedrooms", (3, MANY_BEDROOMS)),
        ("en az 2 yatak odalı", (2, MANY_BEDROOMS)),
        ("2 bedrooms", (2, 2)),
    ],
)
def test_a_range_of_bedrooms_is_a_range(said: str, span: tuple[int, int]) -> None:
    assert hear(said).search.bedroom_range == span


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("under 700 gbp", None, 700),
        ("£700", None, 700),
        ("700 pounds", None, 700),
        ("max 700", None, 700),
        ("up to £1,200 pcm", None, 1200),
        ("between 500 and 800", 500, 800),
        ("500-800 gbp", 500, 800),
        ("500 to 800 pounds", 500, 800),
        ("500 ile 800 sterlin arası", 500, 800),
        ("1.200 sterlin", None, 1200),
        ("700 sterline kadar", None, 700),
        ("en fazla 700", None, 700),
        ("en az 500", 500, None),
        ("at least 500 gbp", 500, None),
        ("100k", None, 100_000),
        ("150 bin", None, 150_000),
        ("150 000 gbp", None, 150_000),
        ("100-150k", 100_000, 150_000),
        ("£1.5m", None, 1_500_000),
        ("1.5m gbp", None, 1_500_000),
        ("budget: 700", None, 700),
        ("bütçem 700", None, 700),
        ("I don't want to pay more than 700", None, 700),
        ("no more than 700", None, 700),
        ("700 a month", None, 700),
        ("ayda 700", None, 700),
        ("budget went from 700 to 900 GBP", None, 900),
        ("girnede 700 gbp altı 2+1", None, 700),
    ],
)
def test_a_budget_is_understood(said: str, least: int | None, most: int | None) -> None:
    search = hear(said).search
    assert (search.min_price_gbp, search.max_price_gbp) == (least, most)


@pytest.mark.parametrize(
    ("said", "pounds", "named"),
    [
        ("600 euro", 516, "600 EUR"),
        ("$1,000", 760, "1,000 USD"),
        ("30000 TL", 540, "30,000 TRY"),
        ("40 bin lira", 720, "40,000 TRY"),
    ],
)
def test_other_currencies_are_converted_and_remembered_as_said(said: str, pounds: int, named: str) -> None:
    search = hear(said).search
    assert (search.max_price_gbp, search.converted_from) == (pounds, named)


@pytest.mark.parametrize(
    "said",
    [
        "3 people for 2 weeks",
        "call me on +90 533 867 12 34",
        "0533 867 12 34",
        "12/03/2026 at 14:30",
        "2026-03-12",
        "EI-20251102-0034",
        "from 1 March 2026",
        "5 mayıs'ta geliyorum",
        "in 2026",
        "since 2019",
        "at 7 pm",
        "saat 5",
        "over 80 m2",
        "500 m from the sea",
        "the deposit is 700 gbp",
        "my salary is 2000 gbp",
        "under 18 years",
        "20% discount",
        "rent a car",
        "buy a sim card",
        "kiralık araba",
        "I want to let you know",
        "vergi dairesi",
        "hello",
        "",
        "700",
    ],
)
def test_decoys_say_nothing_about_a_search(said: str) -> None:
    assert not hear(said)


@pytest.mark.parametrize(
    ("said", "tenure"),
    [
        ("to rent", "rent"),
        ("kiralık", "rent"),
        ("kiralamak istiyorum", "rent"),
        ("to let", "rent"),
        ("for sale", "sale"),
        ("satılık", "sale"),
        ("buying", "sale"),
        ("satın almak", "sale"),
        ("I want to buy not rent", "sale"),
        ("kiralık değil satılık", "sale"),
        ("£700 pcm", "rent"),
    ],
)
def test_renting_and_buying_are_told_apart(said: str, tenure: str) -> None:
    assert hear(said).search.tenure == tenure


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("villa", "villa"),
        ("villalar", "villa"),
        ("apartment", "apartment"),
        ("flats", "apartment"),
        ("daire", "apartment"),
        ("house", "house"),
        ("ev", "house"),
        ("studio", "studio"),
        ("penthouse", "penthouse"),
        ("bungalov", "bungalow"),
        ("not a villa, an apartment", "apartment"),
        ("no villas", None),
        ("evet", None),
    ],
)
def test_kinds_of_homes_are_understood(said: str, kind: str | None) -> None:
    assert hear(said).search.kind == kind


@pytest.mark.parametrize(
    ("said", "cleared"),
    [
        ("any area", {"place"}),
        ("anywhere", {"place"}),
        ("fark etmez", {"place"}),
        ("bölge fark etmez", {"place"}),
        ("location doesn't matter", {"place"}),
        ("no budget limit", {"min_price_gbp", "max_price_gbp"}),
        ("forget the budget", {"min_price_gbp", "max_price_gbp"}),
        ("bütçe önemli değil", {"min_price_gbp", "max_price_gbp"}),
        ("any number of bedrooms", {"bedrooms"}),
        ("oda sayısı fark etmez", {"bedrooms"}),
        ("rent or buy", {"tenure"}),
    ],
)
def test_not_caring_clears_the_slot(said: str, cleared: set[str]) -> None:
    assert cleared <= hear(said).cleared


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        ("700", "price", Search(max_price_gbp=700)),
        ("1.200", "price", Search(max_price_gbp=1200)),
        ("500-800", "price", Search(min_price_gbp=500, max_price_gbp=800)),
        ("2", "bedrooms", Search(bedrooms=2)),
        ("iki", "bedrooms", Search(bedrooms=2)),
        ("no, 3", "bedrooms", Search(bedrooms=3)),
    ],
)
def test_a_bare_number_answers_what_was_asked(said: str, asked: str, expected: Search) -> None:
    assert hear(said, asked=asked).search == expected


@pytest.mark.parametrize("asked", ["place", "price", "bedrooms", "tenure"])
def test_not_caring_clears_what_was_asked(asked: str) -> None:
    assert any(
        slot.startswith(asked) or slot.endswith(f"{asked}_gbp") for slot in hear("doesn't matter", asked=asked).cleared
    )


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("The user is looking for a property with 2 bedrooms.", {"bedrooms": 2}),
        ("User wants to rent in Kyrenia", {"tenure": "rent", "place": "Girne"}),
        ("Ada's budget is up to 700 GBP per month", {"max_price_gbp": 700, "tenure": "rent"}),
        ("The user prefers Girne over Lefkoşa", {"place": "Girne"}),
        ("The user prefers Girne to Lefkoşa", {"place": "Girne"}),
        ("The user prefers to live in Lefkoşa rather than Girne.", {"place": "Lefkoşa"}),
        ("The user no longer wants to buy", {"tenure": None}),
        ("User's preferred area is Kyrenia (Girne).", {"place": "Girne"}),
        ("The user has a budget of approximately 700 British pounds", {"max_price_gbp": 700}),
        ("The user's maximum budget is £700/month.", {"max_price_gbp": 700}),
        ("Ada wants a two-bedroom apartment", {"bedrooms": 2, "kind": "apartment"}),
        ("User switched from renting to buying", {"tenure": "sale"}),
        ("User rejected Girne", {"place": None}),
        ("User asked about hospitals in Lefkoşa", {"place": None}),
    ],
)
def test_facts_are_read_like_messages(fact: str, expected: dict[str, Any]) -> None:
    search = hear(fact).search
    assert {slot: getattr(search, slot) for slot in expected} == expected


def test_places_joined_by_or_are_alternatives() -> None:
    assert hear("girne or alsancak").search.places == ("Girne", "Alsancak")


def test_a_denied_place_is_known_as_denied() -> None:
    assert ("place", "Girne") in hear("not Girne, Lefkoşa instead").denied
