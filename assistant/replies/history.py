"""What the thread so far amounts to: the open search, what was asked, offered, shown and released; writes no reply."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from assistant.replies.intents import intents_of
from assistant.replies.local_info import is_local_question
from assistant.replies.search import combine
from assistant.replies.slots import Heard, hear
from assistant.replies.text import fold
from assistant.replies.values import PastMessage
from assistant.replies.wording import OFFERS, REMEMBERED_LEADS

REFERENCE = re.compile(r"\bEI-[0-9]{8}-[0-9]{4}\b", re.IGNORECASE)

_ASKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (slot, re.compile(pattern))
    for slot, pattern in (
        ("tenure", r"\b(?:rent or (?:to )?buy|buy or (?:to )?rent|kiralik mi|satilik mi)\b"),
        ("bedrooms", r"\b(?:how many (?:bed)?rooms|bedrooms|kac (?:yatak )?oda\w{0,3}|oda sayi\w{0,3})\b"),
        ("price", r"\b(?:budget|price|how much|spend|butce\w{0,5}|fiyat\w{0,3}|ne kadar)\b"),
        (
            "place",
            r"\b(?:where|which (?:area|part|town|city|place)|area|location|nerede|hangi (?:bolge"
            r"|sehir)\w{0,3}|bolge\w{0,2})\b",
        ),
    )
)


@dataclass(frozen=True)
class Story:
    """The thread up to a point.

    `thread` is the search as stated since the last hand-off; `released` says that a hand-off happened, after which
    remembered facts are not assumed either; `shown` are the references recommended, `last_shown` those of the last
    answer that had any; `remembered` is what was already announced as remembered.
    """

    thread: Heard = field(default_factory=Heard)
    released: bool = False
    last_agent: str = ""
    asked: str | None = None
    offered: bool = False
    shown: tuple[str, ...] = ()
    last_shown: tuple[str, ...] = ()
    remembered: str = ""
    last_local: str = ""

    @property
    def in_search(self) -> bool:
        """Claim that a home search is open in this thread."""
        return bool(self.thread) or self.last_agent == "real_estate"


def read(recent: Sequence[PastMessage], before: Story | None = None) -> Story:
    """Return the story of the recent messages, oldest first, which went on from `before`."""
    story = before or Story()
    for index, message in enumerate(recent):
        if message.role == "assistant":
            story = _answered(story, message)
        else:
            story = told(story, message.text, answered_by=_answering_agent(recent, index))
    return story


def told(story: Story, text: str, *, answered_by: str) -> Story:
    """Return the story after the user said `text`, which `answered_by` answers ('' when not known)."""
    intents = intents_of(text)
    heard = hear(text, asked=story.asked, in_search=story.in_search)
    if releases(intents, heard) or ("no" in intents and story.offered):
        return replace(story, thread=Heard(), released=True, shown=(), last_shown=(), asked=None, offered=False)
    if "restart" in intents:
        return replace(story, thread=hear(text), released=True, shown=(), last_shown=(), asked=None)
    if answered_by == "local_info" or (not answered_by and is_local_question(text, heard)):
        return replace(story, last_local=text)
    resumed = "resume" in intents or ("yes" in intents and story.offered)
    return replace(story, thread=combine(story.thread, heard), released=story.released and not resumed)


def releases(intents: frozenset[str], heard: Heard) -> bool:
    """Claim a hand-off: leaving the search, and not merely leaving flats for villas."""
    return "hand_off" in intents and not set(heard.set_slots) - {"place"}


def asked_slot(text: str) -> str | None:
    """Return which one slot the last question of `text` asks for."""
    head, mark, _ = text.rpartition("?")
    question = fold(re.split(r"[.!?\n]", head)[-1]) if mark else ""
    asked = [slot for slot, pattern in _ASKS if pattern.search(question)]
    return asked[0] if len(asked) == 1 else None


def _answered(story: Story, message: PastMessage) -> Story:
    shown = tuple(dict.fromkeys(reference.upper() for reference in REFERENCE.findall(message.text)))
    lines = [line for line in message.text.splitlines() if any(lead in line for lead in REMEMBERED_LEADS)]
    return replace(
        story,
        last_agent=message.agent or story.last_agent,
        asked=asked_slot(message.text),
        offered=any(offer in message.text for offer in OFFERS),
        shown=tuple(dict.fromkeys(story.shown + shown)),
        last_shown=shown or story.last_shown,
        remembered="\n".join([story.remembered, *lines]),
    )


def _answering_agent(recent: Sequence[PastMessage], index: int) -> str:
    following = recent[index + 1] if index + 1 < len(recent) else None
    return following.agent if following and following.role == "assistant" else ""
