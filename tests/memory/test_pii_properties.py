import re

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.memory.pii import redact_emails, redact_phones, redact_pii

REGIONS = ("TR", "CY", "GB", "DE", "GR", "RU", "US", "FR", "UA", "IL", "IR", "NL", "PL", "IT", "AE", "KZ")
FORMATS = (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
SEPARATORS = (" ", "-", ".", "/", "\u00a0", "\u2009", " - ", "–", "\u200b", "")

anything = st.text(max_size=60)
words = st.lists(
    st.sampled_from(
        ["merhaba", "ev", "3+1", "£120,000", "14:30", "95 m2", "kira", "для", "σπίτι", "Wohnung", "ara", "call", ","]
    ),
    max_size=8,
).map(" ".join)


@st.composite
def international_phones(draw: st.DrawFn) -> str:
    example = phonenumbers.example_number_for_type(draw(st.sampled_from(REGIONS)), phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    assert example.national_number is not None
    last = draw(st.integers(0, 999))
    example.national_number += last - example.national_number % 1000
    return phonenumbers.format_number(example, draw(st.sampled_from(FORMATS)))


@st.composite
def turkish_phones(draw: st.DrawFn) -> str:
    operator = draw(st.sampled_from(["533", "542", "548", "539", "505", "392"]))
    digits = draw(st.from_regex(r"[1-9][0-9]{6}", fullmatch=True))
    separator = draw(st.sampled_from(SEPARATORS))
    start = draw(st.sampled_from(["0", "+90", "+90 ", "0 ", "0090", "00 90 "]))
    groups = (operator, digits[:3], digits[3:5], digits[5:])
    return start + separator.join(groups)


phones = st.one_of(international_phones(), turkish_phones())


@st.composite
def emails(draw: st.DrawFn) -> str:
    local = draw(st.from_regex(r"[a-zA-Zçğışöüа-яα-ω0-9](?:[a-zA-Z0-9._+%-]{0,14}[a-zA-Z0-9])?", fullmatch=True))
    domain = draw(st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9](?:\.[a-z]{2,6}){1,3}", fullmatch=True))
    at = draw(st.sampled_from(["@", "＠", "@\u200b", "&#64;", " [at] ", "(at)"]))
    return f"{local}{at}{domain}"


def digits_of(text: str) -> str:
    return re.sub(r"\D", "", text)


@given(anything, phones, anything)
def test_no_phone_stays_in_any_text(before: str, phone: str, after: str) -> None:
    redacted, count = redact_phones(f"{before}\n{phone}\n{after}")

    assert count >= 1
    assert phone not in redacted


@given(words, phones, words)
def test_no_digit_of_a_phone_stays_in_a_sentence(before: str, phone: str, after: str) -> None:
    """The comma is there because German numbers have no fixed length: "+49 1512 3456000 95" can be one."""
    redacted, _ = redact_phones(f"{before} {phone}, {after}")

    assert digits_of(redacted) == digits_of(f"{before} {after}")


@given(anything, emails(), anything)
def test_no_email_stays_in_any_text(before: str, email: str, after: str) -> None:
    redacted, count = redact_emails(f"{before} {email} {after}")

    assert count >= 1
    assert email not in redacted


@given(words, emails(), words)
def test_text_around_an_email_keeps_every_byte(before: str, email: str, after: str) -> None:
    assert redact_emails(f"{before}\n{email}\n{after}") == (f"{before}\n[EMAIL]\n{after}", 1)


names = st.from_regex(r"[a-z]{4,8}[._][a-z]{3,8}", fullmatch=True)
providers = st.sampled_from(["gmail", "hotmail", "yandex"])


@given(words, names, providers, words)
def test_no_part_of_a_dictated_email_stays(before: str, name: str, provider: str, after: str) -> None:
    text = f"{before}\n{name}, at, {provider}, dot, com\n{after}"

    assert redact_emails(text) == (f"{before}\n[EMAIL]\n{after}", 1)


@given(words, names, providers, words)
def test_no_letter_of_an_email_stays_where_letters_stand_apart(
    before: str, name: str, provider: str, after: str
) -> None:
    text = f"{before}\n{' '.join(f'{name}@{provider}.com')}\n{after}"

    assert redact_emails(text) == (f"{before}\n[EMAIL]\n{after}", 1)


@given(words, st.from_regex(r"5(?:33|42|48)[ \n][1-9][0-9]{2}\n[0-9]{2}[ \n][0-9]{2}", fullmatch=True), words)
def test_a_mobile_number_over_several_lines_goes_as_a_whole(before: str, number: str, after: str) -> None:
    assert redact_phones(f"{before}\n0{number}\n{after}") == (f"{before}\n[PHONE]\n{after}", 1)


@given(st.emails(), words)
@example("//@A.AI", "")
def test_every_email_of_the_standard_is_found(email: str, around: str) -> None:
    redacted, _ = redact_emails(f"{around} {email} {around}")

    assert email not in redacted


fragments = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.text("0123456789 +()-./@,:o", max_size=24),
        phones,
        emails(),
        st.sampled_from(["[PHONE]", "[EMAIL]", "tel ", "0533", " at ", " dot com", "beş yüz ", "£", "&#6", "@"]),
    ),
    max_size=8,
).map("".join)


@settings(max_examples=400)
@given(fragments)
def test_redacting_any_text_twice_changes_nothing(text: str) -> None:
    once = redact_pii(text, redact_address=True)["text"]

    assert redact_pii(once, redact_address=True)["text"] == once


@given(fragments)
def test_what_is_not_replaced_is_what_was_there(text: str) -> None:
    """The pieces between placeholders come from the text, in order, untouched."""
    position = 0
    for piece in re.split(r"\[(?:EMAIL|PHONE|ADDRESS)\]", redact_pii(text, redact_address=True)["text"]):
        found = text.find(piece, position)
        assert found >= 0
        position = found + len(piece)


@given(st.uuids(), st.datetimes(), st.integers(0, 9999))
def test_ids_and_timestamps_stay(uuid: object, when: object, number: int) -> None:
    text = f"{uuid} {when} EI-20251102-{number:04} {uuid}"

    assert redact_pii(text)["text"] == text


@given(st.uuids(), st.sampled_from(["{}", "thread {}", "{}.", "id={}"]))
def test_uuids_stay_wherever_they_stand(uuid: object, frame: str) -> None:
    text = frame.format(uuid)

    assert redact_pii(text)["text"] == text


@given(st.integers(100, 9_999_999), st.sampled_from("£€$₺"), st.sampled_from([",", ".", " "]))
def test_prices_stay(amount: int, symbol: str, separator: str) -> None:
    text = f"{symbol}{amount:,} / {amount:,} {symbol}".replace(",", separator)

    assert redact_pii(text)["text"] == text


@pytest.mark.parametrize("form", ["{}", "{} ara", "ara {}", "3+1 {}, 2+1"])
@given(phone=turkish_phones())
def test_turkish_phones_are_replaced_alone(form: str, phone: str) -> None:
    assert redact_phones(form.format(phone)) == (form.format("[PHONE]"), 1)
