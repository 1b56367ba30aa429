"""Holds a conversation with the assistant as a user would, one message after another; no claims of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from assistant.replies import MemoryListings, PastMessage, Reply, compose, generate_listings

LISTINGS = MemoryListings(generate_listings())
RETURNING = (
    "The user is looking for a property with 2 bedrooms.",
    "User wants to rent in Kyrenia",
    "Ada's budget is up to 700 GBP per month",
)


@dataclass
class Talk:
    """A thread: what is remembered of the user, and the messages so far."""

    facts: Sequence[str] = ()
    recent: list[PastMessage] = field(default_factory=list)

    def say(self, *messages: str) -> Reply:
        """Say the messages in turn and return the last reply."""
        for said in messages:
            reply = compose(said, recent=tuple(self.recent), facts=self.facts, listings=LISTINGS)
            self.recent += [PastMessage("user", said), PastMessage("assistant", reply.text, reply.agent)]
        return reply


def searched(reply: Reply) -> dict[str, object]:
    """Return the search that a reply says it ran."""
    search = (reply.rich or {}).get("search", {})
    assert isinstance(search, dict)
    return search


def recommended(reply: Reply) -> list[dict[str, object]]:
    """Return the recommendations of a reply."""
    found = (reply.rich or {}).get("recommendations", [])
    assert isinstance(found, list)
    return found


def assumed(reply: Reply) -> dict[str, object]:
    """Return the slots that a reply says it assumed from memory."""
    slots = (reply.rich or {}).get("assumed", [])
    assert isinstance(slots, list)
    return {entry["slot"]: entry["value"] for entry in slots}
