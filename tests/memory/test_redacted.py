"""Text that may leave: under which policy it was redacted, and what is left where it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from assistant.memory.redacted import RedactedText, policy, redacted_opening

NUMBER, ADDRESS = "0533 123 45 67", "ayse.yilmaz@example.com"


@given(before=st.integers(0, 560), personal=st.sampled_from([NUMBER, ADDRESS]), crowd=st.integers(0, 12))
def test_half_of_something_personal_is_not_left_where_a_text_is_cut(before: int, personal: str, crowd: int) -> None:
    text = f"{NUMBER}; " * crowd + "x" * before + f" {personal} " + "and so on " * 60

    opening = redacted_opening(text, 500)

    assert len(opening) <= 500
    assert not any(character.isdigit() for character in opening)
    assert "yilmaz" not in opening
    assert "ayse" not in opening


def test_a_short_text_is_left_whole() -> None:
    assert redacted_opening(f"call {NUMBER}", 500) == "call [PHONE]"


def test_the_policy_names_what_is_taken_out_and_by_which_rules(settings: Settings) -> None:
    settings.PII_REDACT_ADDRESS = True
    everything = policy()
    settings.PII_REDACT_PHONE = False

    assert everything.startswith("email+phone+address+r")
    assert RedactedText("hello").policy == policy() != everything


@pytest.mark.parametrize("length", [499, 500, 501, 820, 821, 10_000])
def test_nothing_is_lost_of_a_text_without_personal_data_but_its_end(length: int) -> None:
    text = "x" * length

    assert redacted_opening(text, 500) == text[:500]
