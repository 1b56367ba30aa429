"""After a backup was restored: every erasure of the ledger again, from tombstone to Zep, under its old receipt.

Choices about memory come first, from the same ledger: what an erasure tells Zep anew is of those who want it.

The restored database may know nothing of an erasure, and everything of who was erased: people are found by every id
that Zep ever knew them under, and by their threads. People go before threads: a thread's erasure gives its user a new
id at Zep.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from assistant.memory import tombstones
from assistant.models import Erasure, Thread, Tombstone, User
from assistant.personal_data import ledger, repeating
from assistant.personal_data.erasure import CARRY_OUT, begin_person, begin_thread, lock
from assistant.personal_data.ledger_lines import CHOSEN, COMPLETED, NEXT_ID, REQUESTED, Entry
from assistant.personal_data.retelling import GENERATION
from assistant.personal_data.told import THREADS_TOLD
from assistant.publishing import publish_named

ACTOR = "reapply_erasures"
MOST_UNKNOWN = 1_000  # more threads than that nobody has erased one by one


@dataclass
class Reapplied:
    """What the ledger says, and what of it is in the database again. `receipts`: those to carry out.

    `choices`: how often somebody chose; `choices_forgotten`: whose last choice the database does not know.
    """

    erasures: int = 0
    choices: int = 0
    people_found: int = 0
    threads_found: int = 0
    choices_forgotten: int = 0
    unreadable_lines: int = 0
    receipts: list[str] = field(default_factory=list)


def reapply(*, dry_run: bool) -> Reapplied:
    """Put forgotten choices into force, and begin every erasure again. `dry_run`: only say what is back.

    Safe to repeat.
    """
    entries = list(ledger.read())
    requested = [entry for entry in entries if entry and entry["event"] == REQUESTED]
    by_receipt = {entry["receipt"]: entry for entry in requested}
    done = Reapplied(erasures=len(by_receipt), unreadable_lines=entries.count(None))
    done.choices = sum(1 for entry in entries if entry and entry["event"] == CHOSEN)
    done.choices_forgotten = repeating.repeat(repeating.latest(entries), ACTOR, dry_run=dry_run)
    generation = _generations_used(entries, by_receipt)
    back = _threads_that_are_back({digest for entry in by_receipt.values() for digest in entry["threads"]})
    for entry in sorted(by_receipt.values(), key=lambda entry: entry["scope"] != Erasure.Scope.PERSON):
        _reapply_one(entry | {GENERATION: generation}, back, done, dry_run=dry_run)
    return done


def _reapply_one(entry: Entry, back: dict[str, Thread], done: Reapplied, *, dry_run: bool) -> None:
    threads = [back[digest] for digest in entry["threads"] if digest in back]
    user = User.objects.filter(memory_id__in=entry["memory_ids"]).first() or (threads[0].user if threads else None)
    is_person = entry["scope"] == Erasure.Scope.PERSON
    done.people_found += is_person and user is not None
    done.threads_found += 0 if is_person else len(threads)
    if dry_run:
        return
    with transaction.atomic():
        _bury(entry)
        erasure = _begun_again(entry, user, threads[0].pk if threads else "")
    done.receipts.append(erasure.receipt)
    publish_named(CARRY_OUT, str(erasure.pk))


def _bury(entry: Entry) -> None:
    kind = Tombstone.Kind.PERSON if entry["scope"] == Erasure.Scope.PERSON else Tombstone.Kind.MEMORY
    tombstones.put(kind, entry["memory_ids"])
    tombstones.put(Tombstone.Kind.THREAD, entry["threads"])


def _begun_again(entry: Entry, user: User | None, thread_id: str) -> Erasure:
    """The work's row again. Without anybody to erase here, Zep is asked all the same: it may have been restored too.

    Who was given a new id at Zep gets the same one: what Zep knows under it has to go with them one day.
    """
    receipt, is_person = entry["receipt"], entry["scope"] == Erasure.Scope.PERSON
    if user is None:
        erasure = _for_zep_alone(entry)
    elif is_person:
        erasure = begin_person(lock(user.pk), ACTOR, receipt)
    else:
        erasure = begin_thread(lock(user.pk), thread_id, ACTOR, receipt)
        if str(user.memory_id) in entry["memory_ids"] and entry.get(NEXT_ID):
            User.objects.filter(pk=user.pk).update(memory_id=UUID(entry[NEXT_ID]))
    Erasure.objects.filter(pk=erasure.pk).update(
        requested_at=parse_datetime(entry["at"]),
        in_ledger=True,
        memory_id=UUID(entry["memory_ids"][0]),
        counts=_counts(entry, erasure),
    )
    return erasure


def _counts(entry: Entry, erasure: Erasure) -> dict[str, int]:
    """What Zep had been told is the ledger's to say: the backup may be from before. Where it does not, nobody knows."""
    counts: dict[str, int] = dict(erasure.counts)
    if entry["scope"] == Erasure.Scope.THREAD:
        counts[GENERATION] = entry[GENERATION]
    found, noted = counts.pop(THREADS_TOLD, 0), entry.get(THREADS_TOLD)
    return counts if noted is None else counts | {THREADS_TOLD: max(found, noted)}


def _generations_used(entries: Iterable[Entry | None], by_receipt: Mapping[str, Entry]) -> int:
    """The highest generation of ids that Zep may have been told; an erasure that did not note its own took one more."""
    completed = [entry for entry in entries if entry and entry["event"] == COMPLETED]
    noted = {e["receipt"]: int(e["counts"][GENERATION]) for e in completed if GENERATION in e["counts"]}
    of_threads = {receipt for receipt, entry in by_receipt.items() if entry["scope"] == Erasure.Scope.THREAD}
    return max(noted.values(), default=0) + min(len(of_threads - noted.keys()), MOST_UNKNOWN)


def _for_zep_alone(entry: Entry) -> Erasure:
    now = parse_datetime(entry["at"])
    facts = {
        "scope": entry["scope"],
        "state": Erasure.State.REQUESTED,
        "memory_id": UUID(entry["memory_ids"][0]),
        "due_at": now,
        "settled_at": timezone.now(),
        "claimed_until": None,
    }
    return Erasure.objects.update_or_create(receipt=entry["receipt"], defaults=facts)[0]


def _threads_that_are_back(digests: Iterable[str]) -> dict[str, Thread]:
    wanted, found = set(digests), {}
    for thread in Thread.objects.select_related("user").only("pk", "user").iterator():
        if (digest := tombstones.digest(thread.pk)) in wanted:
            found[digest] = thread
    return found
