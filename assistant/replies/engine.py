"""The rules engine: reads the story, routes, and lets the chosen agent answer; a language model can take its place.

Pure: the same conversation over the same listings gives the same reply.
"""

import re
from collections.abc import Sequence

from assistant.replies import general, history, local_info, real_estate
from assistant.replies.general import Known
from assistant.replies.history import Story
from assistant.replies.language import language_of
from assistant.replies.real_estate import Brief
from assistant.replies.routing import Message, Route, message_from, route
from assistant.replies.search import combine, recalled, settled
from assistant.replies.slots import Heard
from assistant.replies.summary import story_of
from assistant.replies.topics import BY_NAME
from assistant.replies.values import (
    Conversation,
    Language,
    ListingSource,
    PastMessage,
    Reply,
    ReplyEngine,
    Search,
    Summary,
)

SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+")


class RulesEngine:
    """Answers by rules over what is said, what this thread said before, and remembered facts, in that precedence."""

    def reply(self, conversation: Conversation, listings: ListingSource) -> Reply:
        """Return the answer to what was said; never raises, whatever the text."""
        recent = _without_echo(conversation)
        story = history.read(recent, story_of(conversation.earlier))
        facts = _facts(conversation)
        remembered = recalled(facts)
        facts_known = bool(remembered.set_slots) and not story.released
        message = message_from(conversation.said, story, facts_known=facts_known)
        chosen = route(message)
        lang = language_of([conversation.said, *_newest_first(recent)])
        match chosen.agent:
            case "real_estate":
                return _about_homes(message, chosen, remembered, lang, listings)
            case "local_info":
                return _about_living_here(chosen, story, lang)
            case "general":
                known = _known(facts, story, remembered)
                return general.answer(chosen.purpose, chosen.detail, known, lang)


RULES_ENGINE: ReplyEngine = RulesEngine()


def compose(
    said: str,
    *,
    recent: Sequence[PastMessage],
    facts: Sequence[str],
    listings: ListingSource,
    earlier: Summary | None = None,
    engine: ReplyEngine = RULES_ENGINE,
) -> Reply:
    """Return the reply to `said`.

    `recent` are messages of this thread, oldest first; `facts` are sentences remembered of this user, oldest first,
    empty when there are none or memory was not available. `earlier` sums up what came before `recent`.
    """
    return engine.reply(Conversation(said, tuple(recent), tuple(facts), earlier), listings)


def _facts(conversation: Conversation) -> tuple[str, ...]:
    """Zep's own words on what was archived count where the rules had found nothing in it."""
    earlier = conversation.earlier
    if earlier is None or not earlier.prose or earlier.released or earlier.search != Search():
        return conversation.facts
    return (*SENTENCE_ENDS.split(earlier.prose), *conversation.facts)


def _about_homes(message: Message, chosen: Route, remembered: Heard, lang: Language, listings: ListingSource) -> Reply:
    story = history.told(message.story, message.text, answered_by="real_estate")
    thread, facts = story.thread, Heard() if story.released else remembered
    total = combine(facts, thread)
    search = settled(total)
    if chosen.purpose == "details":
        return real_estate.describe(chosen.detail, search, lang, listings)
    brief = Brief(
        search=search,
        purpose=chosen.purpose,
        lang=lang,
        shown=story.shown,
        assumed=_only_remembered(total, thread),
        announced=story.remembered,
        notes=real_estate.scope_notes(message.text, message.intents, message.heard.search, lang),
        not_minded=total.cleared,
    )
    return real_estate.answer(brief, listings)


def _about_living_here(chosen: Route, story: Story, lang: Language) -> Reply:
    if chosen.purpose == "topic":
        return local_info.answer(BY_NAME[chosen.detail], lang)
    topic = local_info.topic_of(story.last_local)
    if topic is None:
        return Reply(general.answer("unknown", "", Known((), Search(), Search(), ()), lang).text, "general")
    return local_info.answer(topic, lang, place=chosen.detail or None, again=chosen.purpose == "again")


def _known(facts: Sequence[str], story: Story, remembered: Heard) -> Known:
    usable = Heard() if story.released else remembered
    open_search = settled(combine(usable, story.thread)) if story.thread.set_slots else Search()
    return Known(facts, open_search, settled(usable), _only_remembered(usable, story.thread))


def _only_remembered(total: Heard, thread: Heard) -> tuple[str, ...]:
    return tuple(slot for slot in total.set_slots if getattr(thread.search, slot) is None)


def _newest_first(recent: Sequence[PastMessage]) -> list[str]:
    return [message.text for message in reversed(recent) if message.role == "user"]


def _without_echo(conversation: Conversation) -> tuple[PastMessage, ...]:
    """Return the recent messages without a copy of the one being answered, which some callers include."""
    recent = conversation.recent
    if recent and recent[-1].role == "user" and recent[-1].text == conversation.said:
        return recent[:-1]
    return recent
