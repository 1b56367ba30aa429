"""How much has to speak for an address in each spelling of its at sign, where a plain sentence could stand as well."""

from enum import Flag, auto
from typing import Final


class Evidence(Flag):
    """What speaks for an address where a plain sentence could stand as well."""

    NONE = 0
    DOTTED = auto()  # the domain is written out: shop.com, shop dot com
    SPELLED = auto()  # one of its dots is a word, bracketed or spaced, or the mailbox is
    PROVIDER = auto()  # the domain is a mailbox provider's
    KNOWN_ENDING = auto()
    TELLING = auto()  # the mailbox has digits or dots, as words have not
    MAIL = auto()  # the sentence speaks of mail, or is nothing but the address


_STRONG: Final = (Evidence.SPELLED, Evidence.PROVIDER)
# By how the at sign is spelled: any of these sets of facts is enough.
_ENOUGH: Final = {
    "bracket": (Evidence.DOTTED, Evidence.PROVIDER),
    "doubtful": _STRONG,
    "bare": (*_STRONG, Evidence.TELLING, Evidence.MAIL),
    "after": (Evidence.DOTTED, Evidence.PROVIDER),
    "around": (*_STRONG, Evidence.KNOWN_ENDING),
    "before": (*_STRONG, Evidence.MAIL | Evidence.KNOWN_ENDING),
    "tight": _STRONG,
}
KINDS: Final = tuple(_ENOUGH)


def is_enough(evidence: Evidence, kind: str) -> bool:
    """Say whether what speaks for an address is enough where its at sign is spelled in this way."""
    return any(facts in evidence for facts in _ENOUGH[kind])
