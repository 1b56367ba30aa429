"""Takes e-mail addresses, telephone numbers and postal addresses out of text; knows nothing of who sends or stores it.

Promises: pure functions; text outside the replaced spans stays byte for byte; redacting twice changes nothing; work
grows linearly with the text, whatever it is. Out of scope, and left in place: names, dates of birth, card numbers,
IBANs, passport and identity numbers, order and listing references, IP addresses, user names and handles.
"""

from collections.abc import Callable
from itertools import compress, product
from typing import Final, TypedDict

from assistant.memory.redaction.addresses import find_addresses
from assistant.memory.redaction.emails import find_emails
from assistant.memory.redaction.folding import folded, replaced
from assistant.memory.redaction.neighbourhoods import is_inside, neighbourhoods
from assistant.memory.redaction.phones import search_phones
from assistant.memory.redaction.spelled_emails import find_spelled_emails, may_be_spelled
from assistant.memory.redaction.unsigned_emails import find_unsigned_emails, may_be_unsigned
from assistant.memory.redaction.views import Found, View

EMAIL: Final = "[EMAIL]"
PHONE: Final = "[PHONE]"
ADDRESS: Final = "[ADDRESS]"

Search = Callable[[View], Found]


def _search_emails(view: View) -> Found:
    return Found([*find_emails(view), *find_spelled_emails(view), *find_unsigned_emails(view)])


def _search_addresses(view: View) -> Found:
    return Found(list(find_addresses(view)))


def may_hold_emails(view: View) -> bool:
    """Say whether a text has a sign or word for "at", or looks as if one is left out; no replaced number brings one."""
    return "@" in view.text or may_be_spelled(view.text) or may_be_unsigned(view)


_SEARCHES: Final[dict[str, tuple[str, Search]]] = {
    "email": (EMAIL, _search_emails),
    "phone": (PHONE, search_phones),
    "address": (ADDRESS, _search_addresses),
}
# Which kinds are searched for, in this order, where so many of the three are asked for.
_CHOSEN: Final = {asked: tuple(compress(_SEARCHES, asked)) for asked in product((False, True), repeat=len(_SEARCHES))}
_MOST_ROUNDS: Final = 5  # two are enough for text that people write


class Redaction(TypedDict):
    """Redacted text, how many of each type were replaced, and lengths in characters."""

    text: str
    redactions: dict[str, int]
    original_length: int
    redacted_length: int


def redact_emails(text: str) -> tuple[str, int]:
    """Replace e-mail addresses by `[EMAIL]`; return the text and how many there were.

    Finds addresses with any domain ending, in any script, quoted, escaped (`%40`, `&#64;`), with look-alike or
    invisible characters, and spelled out ("ali et gmail nokta com") in English, Turkish, German, Greek and Russian.
    Handles (`@name`), links and sentences that only mention a site ("works at amazon.com") stay.
    """
    return _alone(text, "email")


def redact_phones(text: str) -> tuple[str, int]:
    """Replace telephone numbers by `[PHONE]`; return the text and how many there were.

    Finds international numbers of any country, and national ones as people write them in Turkey, Cyprus, Greece,
    Britain, Germany, Russia, Norway, Spain, Poland, Italy and North America, in any script's digits, spaced, dotted,
    split by words or by a line end, or spelled out. Prices, dates, ids, hashes, coordinates and sizes stay. Seven and
    eight digits count only where the words around say so, or where they are grouped or begin as Cypriot or Norwegian
    numbers do; Danish ones and numbers of other countries without a leading zero need such a word too. Nine digits in
    threes are taken for a Spanish or Polish number unless a currency, a unit or round thousands say otherwise.
    """
    return _alone(text, "phone")


def redact_addresses(text: str) -> tuple[str, int]:
    """Replace postal addresses by `[ADDRESS]`; return the text and how many there were.

    Finds a street with its number, and post boxes, in English, Turkish, Greek, German and Russian. A street without a
    number, a district or a town stays.
    """
    return _alone(text, "address")


def redact_pii(
    text: str, *, redact_email: bool = True, redact_phone: bool = True, redact_address: bool = False
) -> Redaction:
    """Replace the chosen types; `redactions` counts each of `email`, `phone` and `address`, 0 where not asked for."""
    redacted, counts = _replaced(text, _CHOSEN[redact_email, redact_phone, redact_address])
    return {
        "text": redacted,
        "redactions": counts,
        "original_length": len(text),
        "redacted_length": len(redacted),
    }


def _alone(text: str, kind: str) -> tuple[str, int]:
    redacted, counts = _replaced(text, (kind,))
    return redacted, counts[kind]


def _replaced(text: str, kinds: tuple[str, ...]) -> tuple[str, dict[str, int]]:
    """Replace what the searches find until none finds more: a replaced span can uncover its neighbour."""
    counts = {"email": 0, "phone": 0, "address": 0}
    view = folded(text)
    if "email" in kinds and not may_hold_emails(view):
        kinds = kinds[1:]
    settled = 0  # of the kinds searched last, how many are known to find nothing more
    for turn, kind in enumerate(kinds * _MOST_ROUNDS):
        placeholder, search = _SEARCHES[kind]
        spans, is_last = _searched_again(view, search) if turn >= len(kinds) else search(view)
        if spans:
            settled = 0
            view, count = replaced(view, spans, placeholder, is_read_again=not is_last or len(kinds) > 1)
            counts[kind] += count
        settled += is_last or not spans or (kind == "email" and not may_hold_emails(view))
        if settled == len(kinds):
            break
    return view.original, counts


def _searched_again(view: View, search: Search) -> Found:
    parts = neighbourhoods(view)
    if parts == [view]:
        return search(view)
    return Found([span for part in parts for span in search(part).spans if is_inside(view, part, span)])
