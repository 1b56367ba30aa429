"""Any text is answered, in time that grows with its length and no faster."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.replies import PastMessage, compose
from assistant.replies.slots import hear
from assistant.replies.text import fold
from tests.replies.conversations import LISTINGS
from tests.support.timing import is_ever_computed_within

PIECES = st.sampled_from(
    [
        "girne",
        "2",
        "bedroom",
        "+1",
        "£",
        "700",
        "not",
        "under",
        "fark etmez",
        ",",
        "more",
        "-",
        "k",
        "İ",
        "ı",
        "@",
        "rent",
        "?",
        "tl",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=200), st.lists(PIECES, max_size=30).map(" ".join), st.lists(PIECES, max_size=30).map("".join)
)
PAST = st.builds(
    PastMessage,
    role=st.sampled_from(["user", "assistant"]),
    text=TEXTS,
    agent=st.sampled_from(["", "real_estate", "local_info", "general", "x"]),
)


@settings(deadline=None)
@given(TEXTS, st.lists(PAST, max_size=5), st.lists(TEXTS, max_size=4))
def test_any_conversation_is_answered(said: str, recent: list[PastMessage], facts: list[str]) -> None:
    reply = compose(said, recent=recent, facts=facts, listings=LISTINGS)
    assert reply.text.strip()
    json.dumps(reply.rich)
    reply.text.encode()


@settings(deadline=None)
@given(TEXTS, st.lists(PAST, max_size=3))
def test_the_same_input_gives_the_same_reply(said: str, recent: list[PastMessage]) -> None:
    replies = [compose(said, recent=recent, facts=(), listings=LISTINGS) for _ in range(2)]
    assert replies[0] == replies[1]


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(TEXTS)
def test_letter_case_changes_nothing(text: str) -> None:
    plain = text.encode("ascii", "ignore").decode()
    assert hear(plain.upper()) == hear(plain.lower())


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1",
        "1 ",
        "1,",
        "1.",
        "+1",
        "@",
        "a@",
        ".",
        "£1",
        "£",
        "2+1 ",
        "not girne ",
        "girne or ",
        "700-",
        "700 gbp ",
        " ",
        "\n",
        "to ",
        "max ",
        "EI-",
        "İ",
        "0 5",
        "any ",
        "no ",
        "ﷺ",
        "1 bin ",
    ],
)
def test_a_long_text_is_answered_quickly(unit: str) -> None:
    text = (unit * 8_000)[:8_000]
    assert is_ever_computed_within(1.0, lambda: compose(text, recent=(), facts=(), listings=LISTINGS))
