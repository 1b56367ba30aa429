"""The local-information agent: what is generally true of the subject of a question; searches no homes."""

import re

from assistant.replies.intents import intents_of
from assistant.replies.slots import Heard
from assistant.replies.text import fold
from assistant.replies.topics import TOPICS, Topic
from assistant.replies.values import Language, Reply
from assistant.replies.wording import say

AGENT = "local_info"

_ALWAYS_LOCAL = frozenset({"emergency", "car hire", "letting or selling your own home"})
_OWN_HOME = re.compile(
    r"\bmy (?:\w{1,12} ){0,2}(?:flat|apartment|house|villa|home|place)\b|\b(?:evim"
    r"|dairem)\w{0,5}\b"
)
_SIZE_OR_PRICE = frozenset({"bedrooms", "min_price_gbp", "max_price_gbp"})


def topic_of(text: str) -> Topic | None:
    """Return the topic that `text` names first; an emergency comes before everything."""
    folded = fold(text)
    found = [(match.start(), topic) for topic in TOPICS if (match := topic.words.search(folded))]
    if not found:
        return None
    always = [topic for _, topic in found if topic.name in _ALWAYS_LOCAL]
    return always[0] if always else min(found, key=lambda pair: pair[0])[1]


def is_local_question(text: str, heard: Heard) -> bool:
    """Claim that `text` asks about living here, rather than naming a school or a beach to live near."""
    topic = topic_of(text)
    if topic is None:
        return False
    home_slots = set(heard.set_slots) - {"place"}
    if topic.name in _ALWAYS_LOCAL or not home_slots or _OWN_HOME.search(fold(text)):
        return True
    intents = intents_of(text)
    return not home_slots & _SIZE_OR_PRICE and "question" in intents and "seeking" not in intents


def answer(topic: Topic, lang: Language, *, place: str | None = None, again: bool = False) -> Reply:
    """Return what is known about `topic`; `place` when a follow-up asked about another town, `again` when for more."""
    if again:
        return Reply(say("no_more_local", lang), AGENT, {"topic": topic.name})
    known = topic.en if lang == "en" else topic.tr
    lines = [say("same_everywhere", lang, place=place)] if place else []
    lines += [known, *([say("check", lang)] if topic.official else [])]
    return Reply("\n".join(lines), AGENT, {"topic": topic.name})
