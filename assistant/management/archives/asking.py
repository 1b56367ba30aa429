"""What an operator asked of archives, typed, and where the answer goes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from django.db.models import QuerySet

from assistant.archive.errors import ArchiveError
from assistant.management.operator import as_json
from assistant.models import Archive


@dataclass(frozen=True)
class Asked:
    """The arguments. None: nothing was said of it; of `limit`: all."""

    actor: str
    archive: int | None = None
    thread: str | None = None
    state: str | None = None
    limit: int | None = None
    days: int | None = None
    yes: bool = False
    dry_run: bool = False

    @property
    def names_some(self) -> bool:
        return self.archive is not None or self.thread is not None

    def meant(self) -> QuerySet[Archive]:
        """The archives that are named; all where none is."""
        lookups = {"pk": self.archive, "thread_id": self.thread, "state": self.state}
        return Archive.objects.filter(**{name: value for name, value in lookups.items() if value is not None})


class Stream(Protocol):
    """Where a command writes."""

    def write(self, text: str, /) -> object: ...


@dataclass(frozen=True)
class Answer:
    """Facts, one line each, and refusals. What is said returns whether all went well."""

    out: Stream
    errors: Stream
    is_json: bool

    def say(self, facts: dict[str, object]) -> None:
        self.out.write(
            as_json(facts) if self.is_json else "  ".join(f"{name}={value}" for name, value in facts.items())
        )

    def say_all(self, lines: Iterable[dict[str, object]]) -> bool:
        """Whether there was one."""
        said = 0
        for line in lines:
            self.say(line)
            said += 1
        return said > 0

    def refuse(self, why: str) -> bool:
        self.errors.write(why)
        return False


def each_meant(asked: Asked, answer: Answer, act: Callable[[Archive], None], *, may_be_none: bool = False) -> bool:
    """Go on after one that is refused, saying why; whether none was, and there was one."""
    found, refused = 0, 0
    rows = asked.meant().order_by("first_sequence", "pk")[: asked.limit]
    for row in rows.iterator(chunk_size=100):
        found += 1
        try:
            act(row)
        except ArchiveError as error:
            refused += 1
            answer.say({"archive": row.pk, "refused": error.reason, "because": str(error)})
    if not (found or may_be_none):
        return answer.refuse("there is no such archive")
    return not refused


def summary(row: Archive) -> dict[str, object]:
    """An archive, without what is in it."""
    return {
        "archive": row.pk,
        "thread_id": row.thread_id,
        "state": row.state,
        "messages": row.message_count,
        "sequences": f"{row.first_sequence}-{row.last_sequence}",
        "bytes": row.size_bytes,
        "file": row.name,
        "created_at": row.created_at.isoformat(timespec="seconds"),
        "retained_since": row.retained_since.isoformat(timespec="seconds"),
        "verified_at": row.verified_at.isoformat(timespec="seconds") if row.verified_at else None,
    }
