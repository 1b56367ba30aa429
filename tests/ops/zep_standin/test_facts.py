"""What is understood of a message, as a table of sentences in English and Turkish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.zep_standin.facts import PLACES, by_relevance, extract, fold


def stated(text: str) -> dict[str, str]:
    return {statement.subject: statement.sentence for statement in extract(text)}


@pytest.mark.parametrize(
    ("text", "bedrooms"),
    [
        ("2 yatak odalı daire arıyorum", 2),
        ("iki yatak odalı", 2),
        ("2+1 ev", 2),
        ("3 + 1 villa", 3),
        ("a 2 bedroom flat", 2),
        ("two-bedroom flat", 2),
        ("3 bed house", 3),
        ("1 bedroom", 1),
        ("2+1 değil 3+1 istiyorum", 3),
        ("2+1 yerine 3+1", 3),
        ("3 bedrooms, no longer 2 bedrooms", 3),
        ("first 2 bedrooms, now 4 bedrooms", 4),
    ],
)
def test_bedrooms_are_understood(text: str, bedrooms: int) -> None:
    plural = "" if bedrooms == 1 else "s"

    assert stated(text) == {"bedrooms": f"The user is looking for a property with {bedrooms} bedroom{plural}."}


@pytest.mark.parametrize("text", ["a studio please", "stüdyo daire"])
def test_a_studio_is_understood(text: str) -> None:
    assert stated(text) == {"bedrooms": "The user is looking for a studio."}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Girne'de", "Girne"),
        ("Girnede", "Girne"),
        ("GİRNE", "Girne"),
        ("in Kyrenia", "Girne"),
        ("Lefkoşa’ya", "Lefkoşa"),
        ("LEFKOSA", "Lefkoşa"),
        ("Nicosia", "Lefkoşa"),
        ("Mağusa'da", "Gazimağusa"),
        ("Gazimağusa", "Gazimağusa"),
        ("Famagusta", "Gazimağusa"),
        ("İskele", "İskele"),
        ("ISKELE'de", "İskele"),
        ("Güzelyurt'ta", "Güzelyurt"),
        ("Lefke'den", "Lefke"),
        ("Long Beach'te", "Long Beach"),
        ("Bafra", "Bafra"),
        ("Karpaz'da", "Karpaz"),
        ("Girne yerine Lapta", "Lapta"),
        ("not in Girne but Lapta", "Lapta"),
        ("İskele, Long Beach", "Long Beach"),
    ],
)
def test_places_are_understood(text: str, place: str) -> None:
    assert stated(text) == {"place": f"The user wants to live in {place}."}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_understood_by_its_own_name(place: str) -> None:
    assert stated(f"{place}'de") == {"place": f"The user wants to live in {place}."}


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("up to 700 GBP", "700 GBP"),
        ("£1,200 a month", "1200 GBP"),
        ("£ 650.", "650 GBP"),
        ("bütçem 700 sterlin", "700 GBP"),
        ("150 bin sterlin", "150000 GBP"),
        ("85.000 GBP", "85000 GBP"),
        ("£150k", "150000 GBP"),
        ("1.5 milyon TL", "1500000 TRY"),
        ("25.000₺", "25000 TRY"),
        ("1000 euro", "1000 EUR"),
        ("900 dolar", "900 USD"),
        ("499.50 pounds", "499.50 GBP"),
        ("my budget is 800", "800"),
        ("bütçem en fazla 700", "700"),
        ("700 pounds, or rather 750 pounds", "750 GBP"),
        ("700 GBP, and a deposit of 500 GBP", "700 GBP"),
    ],
)
def test_budgets_are_understood(text: str, budget: str) -> None:
    assert stated(text) == {"budget": f"The user's budget is up to {budget}."}


@pytest.mark.parametrize(
    ("text", "tenure"),
    [
        ("kiralık daire", "rent"),
        ("kiralamak istiyorum", "rent"),
        ("looking to rent", "rent"),
        ("a rental", "rent"),
        ("satılık villa", "buy"),
        ("satın almak istiyorum", "buy"),
        ("I want to buy", "buy"),
        ("flats for sale", "buy"),
        ("I don't want to rent, I want to buy", "buy"),
        ("satılık değil kiralık", "rent"),
    ],
)
def test_tenure_is_understood(text: str, tenure: str) -> None:
    assert stated(text) == {"tenure": f"The user wants to {tenure}."}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, how are you?",
        "Call +90 533 123 45 67",
        "I want to rent a car",
        "kiraz yedim",
        "araba kiralamak",
        "deposit of 500 GBP",
        "12 Long Street",
        "[PHONE] [EMAIL]",
    ],
)
def test_nothing_is_made_up(text: str) -> None:
    assert stated(text) == {}


def test_one_message_can_state_everything() -> None:
    said = stated("Girne'de 2 yatak odalı kiralık daire arıyorum, bütçem 700 sterlin")

    assert list(said.values()) == [
        "The user is looking for a property with 2 bedrooms.",
        "The user wants to live in Girne.",
        "The user's budget is up to 700 GBP.",
        "The user wants to rent.",
    ]


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    assert len(extract(text)) <= 4


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_the_nearest_sentence_comes_first_and_the_newest_of_equals() -> None:
    sentences = ["likes red wine", "likes tea", "likes milk"]

    assert by_relevance(sentences, "red wine?") == [0, 2, 1]
