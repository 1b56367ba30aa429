"""The assistant itself: what is said, the recent turns and remembered facts in, a reply out; no I/O and no clock.

Supervisor and agents work by rules; `ReplyEngine` is where a language model can take their place.
"""

from assistant.replies.engine import RULES_ENGINE, RulesEngine, compose
from assistant.replies.memory_listings import MemoryListings
from assistant.replies.seed import generate_listings
from assistant.replies.values import (
    Conversation,
    Listing,
    ListingSource,
    PastMessage,
    Reply,
    ReplyEngine,
    Search,
)

__all__ = [
    "RULES_ENGINE",
    "Conversation",
    "Listing",
    "ListingSource",
    "MemoryListings",
    "PastMessage",
    "Reply",
    "ReplyEngine",
    "RulesEngine",
    "Search",
    "compose",
    "generate_listings",
]
