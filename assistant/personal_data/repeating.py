"""After a backup was restored: what people last chose about memory, from the ledger, where the database forgot it.

Who opted out after the backup was made is out again; and what waited for Zep when they did is never sent, although
they may have opted in since.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from assistant.conversation import UserGone
from assistant.models import User
from assistant.personal_data import choices
from assistant.personal_data.ledger_lines import CHOSEN, Entry

AT_ONCE = 500


@dataclass(frozen=True)
class Choice:
    """What somebody last chose, and when they last opted out, if ever. `place`: later lines have higher ones."""

    place: int
    memory_on: bool
    opted_out_at: datetime | None


def latest(entries: Iterable[Entry | None]) -> dict[UUID, Choice]:
    """The last choice of whoever was known to Zep by an id."""
    found: dict[UUID, Choice] = {}
    for place, entry in enumerate(entries):
        if entry is None or entry["event"] != CHOSEN:
            continue
        ids = [UUID(each) for each in entry["memory_ids"]]
        out_at = _opted_out_before(found, ids) if entry["memory_on"] else datetime.fromisoformat(entry["at"])
        found |= dict.fromkeys(ids, Choice(place, entry["memory_on"], out_at))
    return found


def repeat(chosen: Mapping[UUID, Choice], actor: str, *, dry_run: bool) -> int:
    """Choose again for everybody whose choice was forgotten; how many these are. Safe to repeat."""
    forgotten = 0
    for user, choice in _people(chosen):
        if choices.is_forgotten(user, choice.memory_on, choice.opted_out_at):
            forgotten += 1
            if not dry_run:
                with suppress(UserGone):
                    choices.choose_again(user, choice.memory_on, choice.opted_out_at, actor)
    return forgotten


def _people(chosen: Mapping[UUID, Choice]) -> Iterator[tuple[User, Choice]]:
    """Everybody of the database who ever chose, found by every id that Zep knew them under."""
    seen, ids_left = set[int](), iter(chosen)
    while some := list(islice(ids_left, AT_ONCE)):
        now = User.objects.filter(memory_id__in=some)
        before = User.objects.filter(erasures__memory_id__in=some)
        for user in {user.pk: user for user in [*now, *before]}.values():
            if user.pk not in seen:
                seen.add(user.pk)
                ids = {user.memory_id, *user.erasures.values_list("memory_id", flat=True)}
                yield user, max((chosen[each] for each in ids if each in chosen), key=lambda choice: choice.place)


def _opted_out_before(found: Mapping[UUID, Choice], ids: Iterable[UUID]) -> datetime | None:
    earlier = [found[each].opted_out_at for each in ids if each in found]
    return max((each for each in earlier if each), default=None)
