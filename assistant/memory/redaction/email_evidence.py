"""How much has to speak for an address in each spelling of its at sign, where a plain sentence could stand as well."""

from typing import Final

# What speaks for an address, as bits: an `enum.Flag` takes longer to ask than the patterns that find the facts.
DOTTED: Final = 1  # the domain is written out: shop.com, shop dot com
SPELLED: Final = 2  # one of its dots is a word, bracketed or spaced, or the mailbox is
PROVIDER: Final = 4  # the domain is a mailbox provider's
KNOWN_ENDING: Final = 8
TELLING: Final = 16  # the mailbox has digits or dots, as words have not
MAIL: Final = 32  # the sentence speaks of mail, or is nothing but the address

_STRONG: Final = (SPELLED, PROVIDER)
# By how the at sign is spelled: any of these sets of facts is enough.
_ENOUGH: Final = {
    "bracket": (DOTTED, PROVIDER),
    "doubtful": _STRONG,
    "bare": (*_STRONG, TELLING, MAIL),
    "after": (DOTTED, PROVIDER),
    "around": (*_STRONG, KNOWN_ENDING),
    "before": (*_STRONG, MAIL | KNOWN_ENDING),
    "tight": _STRONG,
}
KINDS: Final = tuple(_ENOUGH)
_BELIEVED: Final = {
    kind: frozenset(evidence for evidence in range(2 * MAIL) if any(facts & evidence == facts for facts in enough))
    for kind, enough in _ENOUGH.items()
}


def is_enough(evidence: int, kind: str) -> bool:
    """Say whether what speaks for an address is enough where its at sign is spelled in this way."""
    return evidence in _BELIEVED[kind]
