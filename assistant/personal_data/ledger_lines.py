"""What a line of the ledger may be. Pure: a line that a crash cut short, or that lacks what is needed, is none."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from assistant.models import Erasure
from assistant.personal_data.told import THREADS_TOLD

VERSION = 1
NEXT_ID = "next_memory_id"
REQUESTED, COMPLETED, CHOSEN = "requested", "completed", "chosen"
Entry = dict[str, Any]


def written(entry: Entry) -> bytes:
    """The entry as a line."""
    return json.dumps({"v": VERSION} | entry, separators=(",", ":")).encode() + b"\n"


def parsed(line: str) -> Entry | None:
    """The line's entry, with everything in it that whoever reads it relies on; None where it is none."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or entry.get("v") != VERSION:
        return None
    fields = FIELDS.get(entry["event"]) if isinstance(entry.get("event"), str) else None
    is_whole = fields is not None and all(is_one(entry.get(name)) for name, is_one in fields.items())
    return entry if is_whole else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_count(value: object) -> bool:
    return isinstance(value, int)


def _each(is_one: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(is_one, value))


def _are_ids(value: object) -> bool:
    return bool(value) and _each(_is_id)(value)


def _are_counts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


FIELDS: Mapping[str, Mapping[str, Callable[[object], bool]]] = {
    REQUESTED: {
        "receipt": _is_text,
        "scope": lambda value: value in Erasure.Scope.values,
        "memory_ids": _are_ids,
        "threads": _each(_is_text),
        THREADS_TOLD: lambda value: value is None or _is_count(value),
        NEXT_ID: lambda value: value is None or _is_id(value),
        "at": _is_moment,
    },
    COMPLETED: {"receipt": _is_text, "counts": _are_counts},
    CHOSEN: {"memory_on": lambda value: isinstance(value, bool), "memory_ids": _are_ids, "at": _is_moment},
}
