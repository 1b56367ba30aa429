"""The supervisor: decides by rules which agent answers and to what purpose; writes no reply and searches nothing."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from assistant.replies.history import REFERENCE, Story, releases
from assistant.replies.intents import intents_of
from assistant.replies.local_info import is_local_question, topic_of
from assistant.replies.places import ELSEWHERE
from assistant.replies.slots import Heard, hear
from assistant.replies.text import fold
from assistant.replies.values import Agent

SMALL_TALK = ("goodbye", "thanks", "identity", "help", "how_are_you", "greeting")

_ORDINALS: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (
        index,
        re.compile(
            rf"\b(?:{words})\b(?: (?:one|listing|option|flat|apartment|house|villa|ilan\w{{0,3}}"
            rf"|olan\w{{0,2}}|daire\w{{0,2}}))?[ .!?]*$"
        ),
    )
    for index, words in enumerate(
        (
            "(?:the )?first|ilki(?:ni)?|birinci\\w{0,3}|number (?:1|one)",
            "(?:the )?second|ikinci\\w{0,3}|number (?:2|two)",
            "(?:the )?third|ucuncu\\w{0,3}|number (?:3|three)",
            "(?:the )?fourth|dorduncu\\w{0,3}|number (?:4|four)",
            "(?:the )?fifth|besinci\\w{0,3}|number (?:5|five)",
        )
    )
)


@dataclass(frozen=True)
class Route:
    """Who answers, and what: a search purpose, a topic's subject, or a kind of small talk."""

    agent: Agent
    purpose: str
    detail: str = ""


@dataclass(frozen=True)
class Message:
    """What was just said, as the rules see it."""

    text: str
    folded: str
    intents: frozenset[str]
    heard: Heard
    story: Story
    facts_known: bool

    @property
    def home_slots(self) -> bool:
        """Claim that it says something only a home search would: not merely a place."""
        return bool(set(self.heard.set_slots) - {"place"})


def message_from(text: str, story: Story, *, facts_known: bool) -> Message:
    """Return `text` as the rules see it; `facts_known` says that facts describe a search that may be assumed."""
    heard = hear(text, asked=story.asked, in_search=story.in_search)
    return Message(text, fold(text), intents_of(text), heard, story, facts_known)


def route(message: Message) -> Route:
    """Return the first rule's answer; whatever no rule knows goes to the general agent."""
    return next((found for rule in RULES if (found := rule(message))), Route("general", "unknown"))


def _handed_off(message: Message) -> Route | None:
    if not releases(message.intents, message.heard):
        return None
    return _local(message) or Route("general", "hand_off")


def _about_memory(message: Message) -> Route | None:
    return next((Route("general", name) for name in ("privacy", "memory") if name in message.intents), None)


def _about_one_listing(message: Message) -> Route | None:
    named = REFERENCE.search(message.text)
    if named:
        return Route("real_estate", "details", named[0].upper())
    if message.heard or not message.story.last_shown or "cheaper" in message.intents:
        return None
    shown = message.story.last_shown
    found = next((shown[i] for i, pattern in _ORDINALS if i < len(shown) and pattern.search(message.folded)), None)
    return Route("real_estate", "details", found) if found else None


def _local(message: Message) -> Route | None:
    topic = topic_of(message.text)
    if topic and is_local_question(message.text, message.heard):
        return Route("local_info", "topic", topic.name)
    return None


def _about_homes(message: Message) -> Route | None:
    out_of_scope = "out_of_scope" in message.intents and "seeking" in message.intents
    asked_for = message.home_slots or out_of_scope or message.intents & {"homes", "restart", "resume"}
    if not asked_for:
        return None
    return Route("real_estate", _purpose(message))


def _follow_up(message: Message) -> Route | None:
    """More, cheaper, yes and no belong to whoever answered last."""
    story, intents = message.story, message.intents
    if story.offered and "yes" in intents:
        return _search()
    if story.offered and "no" in intents:
        return Route("general", "hand_off")
    if message.heard:
        return None
    if story.in_search and intents & {"more", "cheaper"} and "tell_more" not in intents:
        return Route("real_estate", _purpose(message))
    if story.last_agent == "local_info" and story.last_local:
        return _more_of_the_topic(intents)
    return Route("real_estate", _purpose(message)) if story.in_search and intents & {"yes", "no"} else None


def _more_of_the_topic(intents: frozenset[str]) -> Route | None:
    if intents & {"more", "tell_more", "yes"}:
        return Route("local_info", "again")
    return Route("general", "all_right") if "no" in intents else None


def _slots_alone(message: Message) -> Route | None:
    """A place, or not caring about something: resumes the open search, else stays with the agent that answered last."""
    story = message.story
    if not message.heard:
        return None
    if story.in_search or (message.facts_known and story.last_agent != "local_info"):
        return Route("real_estate", _purpose(message))
    place = message.heard.search.place
    if story.last_agent == "local_info" and story.last_local and place:
        return Route("local_info", "place", place)
    return Route("general", "place_alone", place) if place else None


def _small_talk(message: Message) -> Route | None:
    return next((Route("general", name) for name in SMALL_TALK if name in message.intents), None)


def _elsewhere(message: Message) -> Route | None:
    return Route("general", "elsewhere") if ELSEWHERE.search(message.folded) else None


def _still_seeking(message: Message) -> Route | None:
    if message.story.last_agent == "real_estate" and "seeking" in message.intents:
        return Route("real_estate", _purpose(message))
    return None


def _search() -> Route:
    return Route("real_estate", "search")


def _purpose(message: Message) -> str:
    shown = bool(message.story.shown)
    if "cheaper" in message.intents and shown:
        return "cheaper"
    if "more" in message.intents and shown:
        return "more"
    if "yes" in message.intents and not message.heard and shown:
        return "more"
    return "change" if "no" in message.intents and not message.heard else "search"


RULES: tuple[Callable[[Message], Route | None], ...] = (
    _handed_off,
    _about_memory,
    _about_one_listing,
    _local,
    _about_homes,
    _follow_up,
    _slots_alone,
    _small_talk,
    _elsewhere,
    _still_seeking,
)
"""First match wins."""
