"""What the part of a thread that left the hot messages amounts to: the open search, what was asked, shown, released.

A summary holds values that the rules know (places, amounts, references), never a sentence of the user's. It takes the
story up where it was, so an answer after archiving is based on what it was based on before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from assistant.replies import history
from assistant.replies.history import Story
from assistant.replies.slots import Heard
from assistant.replies.values import PastMessage, Search, Summary

MOST_SHOWN = 100  # references that are not recommended twice: the newest so many


def summarise(messages: Sequence[PastMessage], before: Summary | None = None) -> Summary:
    """The summary after these messages, oldest first, which followed on what `before` sums up."""
    story = history.read(messages, story_of(before))
    heard = story.thread
    return Summary(
        search=heard.search,
        cleared=tuple(sorted(heard.cleared)),
        denied=tuple(sorted(heard.denied, key=repr)),
        released=story.released,
        last_agent=story.last_agent,
        asked=story.asked,
        offered=story.offered,
        shown=story.shown[-MOST_SHOWN:],
        last_shown=story.last_shown[-MOST_SHOWN:],
        prose=before.prose if before else "",
    )


def story_of(summary: Summary | None) -> Story:
    """The story to go on from; without a summary, the beginning of one."""
    if summary is None:
        return Story()
    return Story(
        thread=Heard(summary.search, frozenset(summary.cleared), frozenset(summary.denied)),
        released=summary.released,
        last_agent=summary.last_agent,
        asked=summary.asked,
        offered=summary.offered,
        shown=summary.shown,
        last_shown=summary.last_shown,
    )


def to_values(summary: Summary) -> dict[str, Any]:
    """As JSON takes it."""
    return asdict(summary)


def from_values(values: Mapping[str, Any]) -> Summary:
    """What `to_values` gave, also of an older version: what it does not name is as at the beginning.

    Raise TypeError or ValueError where it is something else.
    """
    known = {field.name: _frozen(values[field.name]) for field in fields(Summary) if field.name in values}
    known["search"] = Search(**{name: _frozen(value) for name, value in dict(values.get("search") or {}).items()})
    return Summary(**known)


def _frozen(value: Any) -> Any:
    """JSON has lists where there were tuples."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value
