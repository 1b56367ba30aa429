"""Quick ways through the redactor against the slow ways they stand for: they must never differ."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.memory import pii
from assistant.memory.pii import redact_pii
from assistant.memory.redaction import disguises, folding, neighbourhoods, phones, prefixed, shields, spelled_emails
from assistant.memory.redaction.patterns import compiled
from assistant.memory.redaction.views import Found, View
from tests.memory.pii_corpus import KINDS, cases

NEVER, ALWAYS = re.compile(r"(?!)"), re.compile("")
KNOWN = [case.text for kind in KINDS for case in cases(kind)]
GUARD = compiled(rf"(?:(?<=[a-z].)|(?!{shields._PLAIN}))").pattern
UNGUARDED = re.compile(shields._NUMBERS.pattern.replace(GUARD, ""))

everyday = st.text(folding._COMMON + "".join(folding._SCRIPTS) + "`&%\\\x00\u200b\u0301", max_size=40)
figures = st.lists(
    st.sampled_from(
        [*"0123456789 .,-/:+x×°'₺£\n", "05", "12", "2025", "0533", "123", "000", "tl", "tr", "a", "e5", " sonra ", "o"]
    ),
    max_size=16,
).map("".join)
numbers = st.lists(
    st.sampled_from(
        ["99123456", "99 123456", "5331234567", "2285566", "0533 123 45 67", "tel ", "/", "-", ".", " ", ":"]
    ),
    max_size=6,
).map("".join)
mixed = st.lists(
    st.one_of(
        figures,
        numbers,
        st.sampled_from(KNOWN),
        st.sampled_from([" ", "\n", ". ", "@", " at ", " dot ", "com", "ali", "x.com", "[at]", "(", "]", "-", "tel "]),
    ),
    max_size=6,
).map("".join)


@given(st.one_of(everyday, st.text()))
def test_quick_folding_is_folding_or_nothing(text: str) -> None:
    quick = folding.quickly_folded(text)

    assert quick is None or text.isascii() or quick == text.translate(folding._TABLE)
    assert quick is None or quick == folding.fold(text)


def test_quick_folding_refuses_every_invisible_character() -> None:
    accepted = [code for code in range(0x110000) if folding.quickly_folded(chr(code)) is not None]

    assert [code for code in accepted if re.match(rf"[{folding._INVISIBLE}{folding._COMBINING}]", chr(code))] == []


@pytest.mark.parametrize("script", folding._SCRIPTS)
def test_everyday_chat_folds_quickly(script: str) -> None:
    assert folding.quickly_folded(folding._COMMON + script) == folding.fold(folding._COMMON + script)


@settings(max_examples=500)
@given(figures)
def test_figures_that_are_passed_over_are_none_to_hide(text: str) -> None:
    assert GUARD in shields._NUMBERS.pattern
    assert [m.span() for m in shields._NUMBERS.finditer(text)] == [m.span() for m in UNGUARDED.finditer(text)]


@pytest.mark.parametrize(
    "pattern", [r"a\d{2}", r"[^\d_]\d", r"[x\d-]+", r"\\d", r"[]\d]", r"[^]\d]", r"\[\d\]", r"[\\d]"]
)
@given(st.text("0159adx_-[]\\ £"))
def test_patterns_read_the_digits_of_folded_text_as_python_does(pattern: str, text: str) -> None:
    assert [m.span() for m in compiled(pattern).finditer(text)] == [m.span() for m in re.finditer(pattern, text)]


@given(st.text())
def test_folded_text_has_no_digits_but_ascii_ones(text: str) -> None:
    assert re.findall(r"[^\D0-9]", folding.folded(text).text) == []


@given(st.one_of(figures, mixed, st.sampled_from(["o533 123 45 67", "0533 12o 45 67", "+9o 533 123 45 67"])))
def test_letters_for_zeros_are_the_same_in_any_script(text: str) -> None:
    assert phones._with_zeros(text) == phones._ANY_ZERO.sub("0", text)


@given(st.one_of(figures, mixed, st.from_regex(disguises.SPLIT_BY_WORDS)))
def test_numbers_split_by_words_leave_a_trace(text: str) -> None:
    assert not disguises.SPLIT_BY_WORDS.search(text) or disguises.TRACE.search(text)


all_found = phones._all_found


def _all_found_and_perhaps_more(view: View, *, is_spoken: bool) -> Found:
    return Found(all_found(view, is_spoken=is_spoken).spans)


@given(mixed)
def test_quick_ways_find_what_the_slow_ways_find(text: str) -> None:
    quick = redact_pii(text)

    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(prefixed, "_GROUPED_MOBILE", NEVER)
        slow.setattr(spelled_emails, "_WRITTEN", NEVER)
        slow.setattr(folding, "quickly_folded", lambda _: None)
        slow.setattr(phones, "_FIGURES", ALWAYS)
        slow.setattr(phones, "_all_found", _all_found_and_perhaps_more)
        slow.setattr(pii, "may_hold_emails", lambda _: True)
        assert redact_pii(text) == quick


@given(mixed, st.integers(0, 700), st.integers(0, 700))
def test_only_the_stretch_with_digits_matters_in_long_text(text: str, before: int, after: int) -> None:
    long = f"{'söz ' * before}{text}{' söz' * after}"
    quick = redact_pii(long)

    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(phones, "_where_digits_are", lambda view: view)
        assert redact_pii(long) == quick


@given(st.lists(st.tuples(mixed, st.integers(0, 500)), max_size=4))
def test_looking_again_around_placeholders_is_looking_again_everywhere(parts: list[tuple[str, int]]) -> None:
    text = "".join(f"{part}{' söz' * gap}" for part, gap in parts)
    whole = redact_pii(text)

    with pytest.MonkeyPatch.context() as divided:
        divided.setattr(neighbourhoods, "_LONG", 0)
        assert redact_pii(text) == whole


def test_one_number_does_not_have_a_long_text_read_again() -> None:
    view = folding.folded("05 " * 100_000 + "[PHONE]" + " 05" * 100_000)

    assert sum(len(part.text) for part in neighbourhoods.neighbourhoods(view)) < 4_000
