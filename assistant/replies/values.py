"""The values that replies are made from and made of; knows no rules, no wording and no storage."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from assistant.replies.places import neighbours

Agent = Literal["real_estate", "local_info", "general"]
Language = Literal["en", "tr"]

KINDS_MEANT: dict[str, tuple[str, ...]] = {
    "house": ("house", "villa", "bungalow"),
    "apartment": ("apartment", "penthouse", "studio"),
}
"""Which listing kinds satisfy a wider word; any other kind means only itself."""

MANY_BEDROOMS = 20


@dataclass(frozen=True)
class PastMessage:
    """A recent message of this thread; sequences of them are oldest first, `agent` is set on the assistant's."""

    role: Literal["user", "assistant"]
    text: str
    agent: str = ""


@dataclass(frozen=True)
class Reply:
    """An answer; `rich` is JSON-serialisable (`recommendations`, `search`, `assumed`, `relaxed`)."""

    text: str
    agent: str
    rich: dict[str, object] | None = None


@dataclass(frozen=True)
class Listing:
    """A home on offer; `price_gbp` is per month where `tenure` is `rent`, the whole price where it is `sale`."""

    reference: str
    title: str
    place: str
    kind: str
    tenure: str
    bedrooms: int
    price_gbp: int
    area_m2: int
    furnished: bool
    description: str


@dataclass(frozen=True)
class Search:
    """What is being looked for; None means no preference.

    `bedrooms` alone is exact, with `max_bedrooms` it is the lower end. `or_places` are as good as `place`.
    `converted_from` names the amount in the currency it was said in, when that was not pounds.
    """

    place: str | None = None
    bedrooms: int | None = None
    min_price_gbp: int | None = None
    max_price_gbp: int | None = None
    tenure: str | None = None
    kind: str | None = None
    furnished: bool | None = None
    or_places: tuple[str, ...] = ()
    max_bedrooms: int | None = None
    avoid_places: tuple[str, ...] = ()
    converted_from: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Every acceptable place, the preferred one first; empty means anywhere."""
        return (self.place, *self.or_places) if self.place else ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every listing kind that satisfies `kind`; empty means any."""
        return KINDS_MEANT.get(self.kind, (self.kind,)) if self.kind else ()

    @property
    def bedroom_range(self) -> tuple[int, int] | None:
        """The least and the most bedrooms, both included; None means any."""
        if self.bedrooms is None:
            return None
        return self.bedrooms, self.bedrooms if self.max_bedrooms is None else self.max_bedrooms

    @property
    def nearby_places(self) -> tuple[str, ...]:
        """Neighbours of the acceptable places, nearest first, without avoided ones."""
        near = (name for place in self.places for name in neighbours(place))
        return tuple(dict.fromkeys(n for n in near if n not in self.places + self.avoid_places))


class ListingSource(Protocol):
    """Where listings come from; `memory_listings` states the filter and the order that every source follows."""

    def find(self, search: Search, limit: int) -> Sequence[Listing]:
        """Return at most `limit` listings that match `search` exactly, best first."""
        ...

    def get(self, reference: str) -> Listing | None:
        """Return the listing with this reference, None where there is none."""
        ...


@dataclass(frozen=True)
class Summary:
    """What a thread's archived messages amount to: values that `replies.summary` took from them, and Zep's `prose`."""

    search: Search = field(default_factory=Search)
    cleared: tuple[str, ...] = ()
    denied: tuple[tuple[str, object], ...] = ()
    released: bool = False
    last_agent: str = ""
    asked: str | None = None
    offered: bool = False
    shown: tuple[str, ...] = ()
    last_shown: tuple[str, ...] = ()
    prose: str = ""


@dataclass(frozen=True)
class Conversation:
    """All that an engine may base a reply on, apart from the listings. `earlier`: of what came before `recent`."""

    said: str
    recent: tuple[PastMessage, ...] = ()
    facts: tuple[str, ...] = ()
    earlier: Summary | None = None


class ReplyEngine(Protocol):
    """What answers: the rules today; a language model can take the same place with the same input."""

    def reply(self, conversation: Conversation, listings: ListingSource) -> Reply:
        """Return the answer to `conversation.said`."""
        ...
