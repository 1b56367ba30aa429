import re

import pytest

from assistant.memory.pii import redact_addresses, redact_emails, redact_phones, redact_pii
from tests.memory.pii_corpus import Case, cases

REDACT = {"email": redact_emails, "phone": redact_phones, "address": redact_addresses}
PERSONAL = [case for kind in REDACT for case in cases(kind)]
CLEAN = list(cases("clean"))


def named(case: Case) -> str:
    return f"{case.kind}: {case.category}: {case.text!a}"


@pytest.mark.parametrize("case", PERSONAL, ids=named)
def test_exactly_what_is_personal_is_replaced(case: Case) -> None:
    assert REDACT[case.kind](case.text) == (case.expected, len(case.personal))


@pytest.mark.parametrize("case", CLEAN, ids=named)
def test_what_is_not_personal_stays(case: Case) -> None:
    assert redact_pii(case.text, redact_address=True)["text"] == case.text


@pytest.mark.parametrize("case", PERSONAL + CLEAN, ids=named)
def test_redacting_twice_changes_nothing(case: Case) -> None:
    once = redact_pii(case.text, redact_address=True)["text"]

    twice = redact_pii(once, redact_address=True)

    assert twice["text"] == once
    assert twice["redactions"] == {"email": 0, "phone": 0, "address": 0}


@pytest.mark.parametrize("case", PERSONAL, ids=named)
def test_a_number_or_address_between_other_lines_is_found_all_the_same(case: Case) -> None:
    text = f"Merhaba!\n{case.text}\nteşekkürler"

    assert REDACT[case.kind](text)[0] == f"Merhaba!\n{case.expected}\nteşekkürler"


TEXT = "ali@example.com, 0533 123 45 67, 12 Baker Street"


def test_result_counts_each_type_and_measures_both_texts() -> None:
    result = redact_pii(TEXT, redact_address=True)

    assert result == {
        "text": "[EMAIL], [PHONE], [ADDRESS]",
        "redactions": {"email": 1, "phone": 1, "address": 1},
        "original_length": 48,
        "redacted_length": 27,
    }


def test_addresses_are_left_alone_by_default() -> None:
    assert redact_pii(TEXT)["text"] == "[EMAIL], [PHONE], 12 Baker Street"


@pytest.mark.parametrize("kind", ["email", "phone", "address"])
def test_each_type_is_redacted_alone_when_asked_for(kind: str) -> None:
    chosen = {f"redact_{other}": other == kind for other in REDACT}

    result = redact_pii(TEXT, **chosen)

    assert result["text"].count("[") == 1
    assert result["redactions"] == {other: int(other == kind) for other in REDACT}


def test_digits_of_an_email_are_not_counted_as_a_phone() -> None:
    assert redact_pii("05331234567@gmail.com")["redactions"] == {"email": 1, "phone": 0, "address": 0}


def test_placeholders_are_no_words_for_mail() -> None:
    assert redact_emails("[EMAIL] 05 beach @house.com") == ("[EMAIL] 05 beach @house.com", 0)


@pytest.mark.parametrize("separator", [")", " ", "😀", " - "])
def test_hundreds_of_single_digits_are_no_number(separator: str) -> None:
    text = separator.join("05331234567" * 20)

    assert redact_phones(text) == (text, 0)


def test_empty_text_stays_empty() -> None:
    assert redact_pii("") == {
        "text": "",
        "redactions": {"email": 0, "phone": 0, "address": 0},
        "original_length": 0,
        "redacted_length": 0,
    }


@pytest.mark.parametrize(
    "thread_id", ["905331234567", "+905331234567", "05331234567", "5331234567", "user_905331234567"]
)
def test_thread_id_that_is_a_phone_is_seen(thread_id: str) -> None:
    assert redact_pii(thread_id)["redactions"]["phone"] == 1


@pytest.mark.parametrize(
    "thread_id",
    ["0f8fad5b-d9cb-469f-a165-70867728950e", "12345678-1234-1234-1234-123456789012", "thread_1", "20251102-0034"],
)
def test_other_thread_ids_pass(thread_id: str) -> None:
    assert redact_pii(thread_id)["text"] == thread_id


@pytest.mark.parametrize("size", [1, 2, 30])
def test_lists_of_any_length_are_redacted_whole(size: int) -> None:
    numbers = "\n".join(f"{place + 1}. 0533 123 45 {place + 10}" for place in range(size))

    assert redact_phones(numbers) == (re.sub("0533 123 45 ..", "[PHONE]", numbers), size)


def test_line_ends_part_numbers() -> None:
    assert redact_phones("0533 123 45 67\n0542 123 45 67") == ("[PHONE]\n[PHONE]", 2)


def test_a_number_sign_names_what_stands_in_its_own_line() -> None:
    assert redact_phones("#\n03921000000") == ("#\n[PHONE]", 1)
    assert redact_phones("# 03921000000") == ("# 03921000000", 0)


def test_characters_outside_the_spans_keep_their_bytes() -> None:
    text = "İ\u00a0ı ＡＢＣ\u200b é ➊ ０５３３１２３４５６７ \u202eabc & &amp; %20 \t\r\n"

    assert redact_phones(text) == (text.replace("０５３３１２３４５６７", "[PHONE]"), 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 [at] a0.aa010000002", "[EMAIL][PHONE]"),
        ("my mail is john gmail com01999 123456", "my mail is [EMAIL][PHONE]"),
        ("write to john_d at gmail05331234567", "write to [EMAIL][PHONE]"),
        ("mail: ali at gmail0533 123 45 67", "mail: [EMAIL][PHONE]"),
        ("tel 99123456₺ 0 1000001", "tel [PHONE]₺ 0 1000001"),
        ("tel +234 803 123 4567 ₺ 4111 1111 1111 1111", "tel [PHONE] ₺ 4111 1111 1111 1111"),
        ("0533\u2011123\u201145\u201167+44 7864\n219437", "[PHONE][PHONE]"),
    ],
)
def test_what_a_replaced_neighbour_changes_is_seen_the_first_time(text: str, expected: str) -> None:
    assert redact_pii(text)["text"] == expected
    assert redact_pii(expected)["text"] == expected


@pytest.mark.parametrize("link", ["http://@a.ai", "https://user//@a.ai", "site.com//@a.ai"])
def test_slashes_of_a_link_are_no_mailbox(link: str) -> None:
    assert redact_emails(link) == (link, 0)
