"""Which action of `manage.py archive` uses which argument; one that it does not use is refused, not passed over.

An argument that is passed over widens what is done: `expire --thread` would delete everybody's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ARGUMENTS = {  # name: as it is typed
    "archive": "NUMBER",
    "thread": "--thread",
    "state": "--state",
    "limit": "--limit",
    "days": "--days",
    "yes": "--yes",
    "operator": "--operator",
    "dry_run": "--dry-run",
    "json": "--json",
}
NAMED = frozenset({"archive", "thread"})
CHANGING = frozenset({"operator", "dry_run", "json"})


@dataclass(frozen=True)
class Usage:
    """What an action does and uses. `instead`: given this argument, it uses these beside it and no others.

    `limit`: how many at most where nobody says; None: all.
    """

    what: str
    uses: frozenset[str]
    limit: int | None = None
    instead: Mapping[str, frozenset[str]] = field(default_factory=dict)


ACTIONS = {
    "list": Usage("archives, newest first", NAMED | {"state", "limit", "json"}, limit=1_000),
    "show": Usage("one archive, and its messages without their texts", NAMED | {"limit", "json"}),
    "verify": Usage(
        "read archives and compare them with their rows; says which files belong to no archive",
        NAMED | {"limit", "dry_run", "json"},
    ),
    "restore": Usage("put an archive's texts back into the database", NAMED | CHANGING | {"limit"}),
    "reseal": Usage(
        "seal archives that another key sealed, or none, with the first of ARCHIVE_ENCRYPTION_KEY",
        NAMED | CHANGING | {"limit"},
        limit=1_000,
    ),
    "run": Usage(
        "archive what is due now; or the thread named, due or not",
        frozenset({"limit", "dry_run", "json"}),
        instead={"thread": CHANGING},
    ),
    "adopt": Usage("say that the configured storage is the right one, although its mark is missing", CHANGING),
    "expire": Usage(
        "delete archives older than ARCHIVE_RETENTION_DAYS, or --days; or, with --yes, the one numbered, for good",
        CHANGING | {"thread", "days", "limit"},
        limit=1_000,
        instead={"archive": CHANGING | {"yes"}},
    ),
}


def refused(action: str, given: Iterable[str]) -> str:
    """Why these arguments do not go with the action, naming the first that does not; empty where they do."""
    usage, names = ACTIONS[action], [name for name in ARGUMENTS if name in set(given)]
    beside = next((name for name in usage.instead if name in names), None)
    uses = usage.uses | usage.instead.keys() if beside is None else usage.instead[beside] | {beside}
    unused = [name for name in names if name not in uses]
    if not unused:
        return ""
    where = "" if beside is None else f" beside {ARGUMENTS[beside]}"
    what = ", ".join(ARGUMENTS[name] for name in ARGUMENTS if name in uses)
    return f"{ARGUMENTS[unused[0]]}: `archive {action}` does not use it{where}; it uses {what}"
