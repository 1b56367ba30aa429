"""The general agent: greetings, help, what is remembered, hand-offs and everything unknown; searches no homes."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.replies.places import in_both_names
from assistant.replies.real_estate import assumed_as_json, assumed_words, search_as_json
from assistant.replies.text import without_contacts
from assistant.replies.values import Language, Reply, Search
from assistant.replies.wording import say, summary

AGENT = "general"
MOST_FACTS_TOLD = 10
LONGEST_FACT = 200


@dataclass(frozen=True)
class Known:
    """What the general agent may mention: facts, the open search of this thread, and the remembered one."""

    facts: Sequence[str]
    open_search: Search
    remembered: Search
    assumed: tuple[str, ...]


def answer(purpose: str, detail: str, known: Known, lang: Language) -> Reply:
    """Return the reply to small talk, a question about memory, a hand-off or something unknown."""
    match purpose:
        case "greeting" | "how_are_you":
            return _greeting(purpose, known, lang)
        case "memory":
            return Reply(_memory(known, lang), AGENT)
        case "place_alone":
            return Reply(say("place_alone", lang, place=in_both_names(detail)), AGENT)
        case "unknown" | "elsewhere" | "help":
            return Reply("\n".join([say(purpose, lang), *_open_search(known, lang)]), AGENT)
    return Reply(say(purpose, lang), AGENT)


def _greeting(purpose: str, known: Known, lang: Language) -> Reply:
    """Return a greeting that offers the remembered search; it offers nothing while another one is open."""
    lead = say("well", lang) if purpose == "how_are_you" else ""
    still_open = _open_search(known, lang)
    words = ", ".join(assumed_words(known.remembered, known.assumed, lang).values())
    if still_open or not words:
        hello = say("greeting_again" if known.facts or still_open else "greeting", lang)
        more = still_open or ([say("greeting", lang).partition("! ")[2]] if known.facts else [])
        return Reply(" ".join(part for part in (lead or hello, *more) if part), AGENT)
    text = " ".join((lead or say("greeting_again", lang), say("remembered", lang, parts=words), say("offer", lang)))
    rich: dict[str, object] = {
        "assumed": assumed_as_json(known.remembered, known.assumed, lang),
        "search": search_as_json(known.remembered),
        "recommendations": [],
    }
    return Reply(text, AGENT, rich)


def _memory(known: Known, lang: Language) -> str:
    told = [f"- {without_contacts(' '.join(fact.split()))[:LONGEST_FACT]}" for fact in known.facts if fact.strip()][
        -MOST_FACTS_TOLD:
    ]
    here = summary(known.open_search, lang)
    lines = [say("memory", lang), *told] if told else [say("memory_none", lang)]
    return "\n".join([*lines, *([say("memory_thread", lang, parts=here)] if here else [])])


def _open_search(known: Known, lang: Language) -> list[str]:
    here = summary(known.open_search, lang)
    return [say("back_to_search", lang, parts=here)] if here else []
