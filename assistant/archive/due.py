"""Whether a thread is to be archived, by which rule, and how much of it stays. Pure: no clock, no rows.

All counts are of hot messages: those that are not in an archive yet. A session begins with the thread, and anew with
each archive, so a slow conversation is not archived message by message.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Rule(StrEnum):
    """Why a thread is due."""

    IDLE = "idle"
    THRESHOLD = "threshold"
    HARD_LIMIT = "hard_limit"
    AGE = "age"
    ASKED = "asked"


@dataclass(frozen=True)
class Limits:
    """The settings that decide. `keep`: how many messages stay, always."""

    threshold: int
    hard_limit: int
    keep: int
    session_age: timedelta
    idle_for: timedelta


@dataclass(frozen=True)
class Held:
    """What is known of a thread. `silent_since`: when its newest message came."""

    hot: int
    session_began: datetime
    silent_since: datetime


@dataclass(frozen=True)
class Due:
    """The thread is to be archived, but for its `keep` newest messages."""

    rule: Rule
    keep: int


def decide(held: Held, limits: Limits, now: datetime) -> Due | None:
    """The first rule that holds; None: the thread may stay as it is."""
    if held.hot and now - held.silent_since >= limits.idle_for:
        return Due(Rule.IDLE, 0)
    if held.hot <= limits.keep:
        return None
    if held.hot >= limits.threshold:
        return Due(Rule.THRESHOLD, limits.keep)
    if held.hot >= limits.hard_limit:
        return Due(Rule.HARD_LIMIT, limits.keep)
    if now - held.session_began >= limits.session_age:
        return Due(Rule.AGE, limits.keep)
    return None
