"""Taking names out of the audit, which keeps what was done. Knows the audit alone, and finds entries by indexes.

The words of an entry are listed beside it by whoever comes to look, in portions: those who write the audit know nothing
of it, and each entry is read once, however many are erased later.
"""

from collections.abc import Collection, Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from assistant.models import AuditEntry, AuditWord

ERASED = "erased"
THEMSELVES = "user"  # who asked, in the audit, where it was the person the data are about
# What the audit calls those who are nobody's account. A person who is called so cannot be told from them.
NOBODYS_NAMES = frozenset({THEMSELVES, "system", "retention", "reapply_erasures", "schedule", "guard", "probe", ERASED})
THREAD_KEYS = frozenset({"thread", "thread_id"})  # under which the audit keeps a thread's id
ENTRIES_AT_ONCE = 1_000
WORDS_AT_ONCE = 5_000
LONGEST_NAME = 254  # an e-mail address


def list_words() -> None:
    """List the words of what was written since. In portions, each a transaction, over a partial index."""
    while _list_some():
        pass


def by(actors: Collection[str]) -> QuerySet[AuditEntry]:
    """What they did. Over an index."""
    return AuditEntry.objects.filter(actor__in=actors)


def about(words: Collection[str]) -> QuerySet[AuditEntry]:
    """Entries that hold one of `words` as a whole value, as far as they are listed. Over an index."""
    return AuditEntry.objects.filter(pk__in=AuditWord.objects.filter(word__in=words).values("entry"))


def take_out(entries: Collection[AuditEntry], names: Collection[str], threads: Collection[str]) -> int:
    """Inside a transaction, of entries that are locked: none is left of these; of how many. Four queries at most.

    Names of people go wherever they are, ids of threads where a thread's id is kept: whoever calls a thread like an
    operator, or a reason, takes nothing else out of the audit.
    """
    for entry in entries:
        entry.actor = ERASED if entry.actor in names else entry.actor
        entry.details = _without(entry.details, names, threads)
        entry.words_listed = False
    AuditWord.objects.filter(entry__in=entries).delete()
    return AuditEntry.objects.bulk_update(entries, ["actor", "details", "words_listed"])


@transaction.atomic
def _list_some() -> int:
    unlisted = AuditEntry.objects.select_for_update().filter(words_listed=False).order_by("pk")
    entries = list(unlisted.only("details")[:ENTRIES_AT_ONCE])
    listed = [AuditWord(entry=entry, word=word) for entry in entries for word in set(_words_of(entry.details))]
    AuditWord.objects.bulk_create(listed, batch_size=WORDS_AT_ONCE, ignore_conflicts=True)
    return AuditEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(words_listed=True)


def _words_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _words_of(each)
    elif isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value not in NOBODYS_NAMES:
        yield value


def _without(value: Any, names: Collection[str], threads: Collection[str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without(each, names, threads, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_without(each, names, threads, key) for each in value]
    is_theirs = isinstance(value, str) and (value in names or (key in THREAD_KEYS and value in threads))
    return ERASED if is_theirs else value
