"""Takes e-mail addresses, telephone numbers and postal addresses out of text; knows nothing of who sends or stores it.

Promises: pure functions; text outside the replaced spans stays byte for byte; redacting twice changes nothing; work grows
linearly with the text, whatever it is. Out of scope, and left in place: names, dates of birth, card numbers, IBANs,
passport and identity numbers, order and listing references, IP addresses, user names and handles.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypedDict

from assistant.memory.redaction.addresses import find_addresses
from assistant.memory.redaction.emails import find_emails
from assistant.memory.redaction.phones import find_phones
from assistant.memory.redaction.spelled_emails import find_spelled_emails
from assistant.memory.redaction.spelled_phones import find_spelled_phones
from assistant.memory.redaction.views import Span, View, folded, substituted

EMAIL: Final = "[EMAIL]"
PHONE: Final = "[PHONE]"
ADDRESS: Final = "[ADDRESS]"

Finder = Callable[[View], Iterator[Span]]

_EMAILS: Final[tuple[Finder, ...]] = (find_emails, find_spelled_emails)
_PHONES: Final[tuple[Finder, ...]] = (find_phones, find_spelled_phones)
_ADDRESSES: Final[tuple[Finder, ...]] = (find_addresses,)
_MOST_PASSES: Final = 4  # a replaced span can uncover its neighbour; more than two passes have not been seen


class Redaction(TypedDict):
    """Redacted text, how many of each type were replaced, and lengths in characters."""

    text: str
    redactions: dict[str, int]
    original_length: int
    redacted_length: int


def redact_emails(text: str) -> tuple[str, int]:
    """Replace e-mail addresses by `[EMAIL]`; return the text and how many there were.

    Finds addresses with any domain ending, in any script, quoted, escaped (`%40`, `&#64;`), with look-alike or invisible
    characters, and spelled out ("ali et gmail nokta com") in English, Turkish, German, Greek and Russian. Handles
    (`@name`), links and sentences that only mention a site ("works at amazon.com") stay.
    """
    view, count = _replaced(folded(text), _EMAILS, EMAIL)
    return view.original, count


def redact_phones(text: str) -> tuple[str, int]:
    """Replace telephone numbers by `[PHONE]`; return the text and how many there were.

    Finds international numbers of any country, and national ones as people write them in Turkey, Cyprus, Greece, Britain,
    Germany, Russia and North America, in any script's digits, spaced, dotted, split by words or spelled out. Prices,
    dates, ids, hashes, coordinates and sizes stay. Seven and eight digits count only where the words around say so, or the
    prefix is a Cypriot mobile's.
    """
    view, count = _replaced(folded(text), _PHONES, PHONE)
    return view.original, count


def redact_addresses(text: str) -> tuple[str, int]:
    """Replace postal addresses by `[ADDRESS]`; return the text and how many there were.

    Finds a street with its number, and post boxes, in English, Turkish, Greek, German and Russian. A street without a
    number, a district or a town stays.
    """
    view, count = _replaced(folded(text), _ADDRESSES, ADDRESS)
    return view.original, count


def redact_pii(
    text: str, *, redact_email: bool = True, redact_phone: bool = True, redact_address: bool = False
) -> Redaction:
    """Replace the chosen types; `redactions` counts each of `email`, `phone` and `address`, 0 where not asked for."""
    view = folded(text)
    counts = {"email": 0, "phone": 0, "address": 0}
    for kind, chosen, finders, placeholder in (
        ("email", redact_email, _EMAILS, EMAIL),
        ("phone", redact_phone, _PHONES, PHONE),
        ("address", redact_address, _ADDRESSES, ADDRESS),
    ):
        if chosen:
            view, counts[kind] = _replaced(view, finders, placeholder)
    return {
        "text": view.original,
        "redactions": counts,
        "original_length": len(text),
        "redacted_length": len(view.original),
    }


def _replaced(view: View, finders: tuple[Finder, ...], placeholder: str) -> tuple[View, int]:
    """Replace what the finders find until they find nothing more."""
    total = 0
    for _ in range(_MOST_PASSES):
        spans = [view.span(*span) for find in finders for span in find(view)]
        if not spans:
            break
        text, count = substituted(view.original, spans, placeholder)
        view, total = folded(text), total + count
    return view, total
