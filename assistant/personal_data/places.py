"""Every place on our side that holds what is being erased, and how it is emptied. Knows nothing of Zep or of order.

Each function may be run again at any time: what is gone already is no error, and what came meanwhile goes too. What
went is counted in the transaction that removes it, so that a kill counts nothing twice.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from redis.asyncio import Redis

from assistant import loops, opaque, rates
from assistant.archive import storage
from assistant.memory import context_cache, tombstones, write_hold
from assistant.models import Archive, Erasure, Message, Thread, User
from assistant.personal_data import export_files, exports, ledger, traces, unnaming
from assistant.personal_data.at_zep import StillThere
from assistant.personal_data.erasure import FOR_GOOD
from assistant.personal_data.holding import Holding
from assistant.redis_link import state_redis

ROWS_AT_ONCE = 1_000
THREADS_AT_ONCE = 1_000

FORGET_SUCCESS = """
local whose = string.match(redis.call('GET', KEYS[1]) or '', '^%S+ (.*)$')
for _, thread in ipairs(ARGV) do if whose == thread then redis.call('DEL', KEYS[1]) end end
return 0
"""


def threads_of(erasure: Erasure) -> QuerySet[Thread]:
    """The threads that go: all of the person's, or the one."""
    if erasure.scope == Erasure.Scope.THREAD:
        return Thread.objects.filter(pk=erasure.thread_id)
    return Thread.objects.filter(user_id=erasure.user_id) if erasure.user_id else Thread.objects.none()


def lock_user(erasure: Erasure) -> None:
    """Inside a transaction, before anything else is locked: one erasure of a person ends, or begins, at a time."""
    if erasure.user_id is None:
        return
    list(User.objects.select_for_update(no_key=True).filter(pk=erasure.user_id).values_list("pk", flat=True))


def lock_threads(erasure: Erasure) -> None:
    """Inside a transaction: wait for turns that store a message in one of them, and keep others out."""
    list(threads_of(erasure).select_for_update().values_list("pk", flat=True))


def threads_at_zep(erasure: Erasure) -> list[str]:
    """The sessions that go at Zep: with the user all that the person had when it was asked for, whichever is meant.

    Those were seized. Threads begun since are told to Zep under the person's new id, and are none of its business.
    """
    if erasure.user_id is None:
        return []
    seized = Thread.objects.filter(user_id=erasure.user_id, lease_until=FOR_GOOD)
    return list(seized.values_list("pk", flat=True))


def remove_messages(erasure: Erasure) -> None:
    """Messages, their outbox entries, dead letters among them, in portions."""
    while _removed(erasure, "messages", lambda: _some_messages(erasure)):
        pass


def remove_archive_files(erasure: Erasure) -> None:
    """The archives' files, and what summaries keep. Their rows stay until the end: a row comes before its file.

    Raise ArchiveUnavailable where the storage does not answer, ArchivesHold where it keeps some of them.
    """
    threads_of(erasure).update(summary=None)
    holding = Holding("not removed")
    for pk, name in _archives(erasure).values_list("pk", "name").iterator():
        with holding.noted(pk):
            storage.remove(name)
    holding.demand_none()


def look_for_archive_files(erasure: Erasure) -> None:
    """Remove files of these threads, or of the person, that no row tells of: of killed runs, or from before a restore.

    Raise ArchiveUnavailable, or StillThere where a removed file is there all the same.
    """
    written = ledger.of(erasure.receipt)
    owners = _memory_ids(erasure, written.memory_ids)
    begin = [erasure.thread_id, opaque.MARK] if erasure.thread_id else [""]
    theirs = [name for owner in owners for each in begin for name in storage.names(f"{owner}_{each}")]
    if erasure.scope == Erasure.Scope.THREAD:
        digests = {tombstones.digest(erasure.thread_id), *written.threads}
        theirs = [*(name for name in theirs if _is_of(digests, name)), *_of_no_thread(erasure, theirs)]
    for name in theirs:
        storage.remove(name)
        if storage.exists(name):
            raise StillThere


def remove_traces(erasure: Erasure) -> None:
    """What names the person or the threads outside conversations, in portions."""
    whose = _whose(erasure)
    for what, part in traces.PARTS.items():
        for removal in part(whose):
            _removed(erasure, what, removal)


def remove_archives(erasure: Erasure) -> None:
    """The archives' rows, once no message refers to them."""
    _removed(erasure, "archives", lambda: _archives(erasure).delete()[0])


def remove_exports(erasure: Erasure) -> None:
    """Exports, under way or ready, with their files: any of them may hold what goes."""
    if erasure.user is not None:
        rows = erasure.user.exports.all()
        for name in rows.values_list("pk", flat=True):
            export_files.remove(name)
        _removed(erasure, "exports", lambda: rows.delete()[0])
    exports.remove_orphans()


def forget_in_redis(erasure: Erasure) -> None:
    """Cached contexts, old copies included, of every thread of the user: each holds facts. Raise RedisDown."""
    threads = threads_at_zep(erasure)
    loops.run(_forget_threads(threads))
    if erasure.scope == Erasure.Scope.PERSON and erasure.user_id:
        loops.run(rates.forget(erasure.user_id))


def _whose(erasure: Erasure) -> traces.Whose:
    """A name that somebody else bears by now is theirs from the request on."""
    names = frozenset(erasure.names or ())
    is_thread = erasure.scope == Erasure.Scope.THREAD
    threads = {erasure.thread_id} if is_thread else {*threads_of(erasure).values_list("pk", flat=True)}
    until = erasure.requested_at if User.objects.filter(username__in=names).exists() else None
    person = None if is_thread else erasure.user_id
    return traces.Whose(person, names, tuple(threads - {"", *unnaming.NOBODYS_NAMES}), until)


def forget_generations(erasure: Erasure) -> None:
    """The last that Redis knows of the threads that go: their ids, in names of keys. Raise RedisDown.

    Only once nobody can be reading them any more: until then their generations keep late readers from filling caches.
    """
    loops.run(context_cache.forget_for_good(list(threads_of(erasure).values_list("pk", flat=True))))


def _archives(erasure: Erasure) -> QuerySet[Archive]:
    return Archive.objects.filter(thread__in=threads_of(erasure))


def _memory_ids(erasure: Erasure, written: Collection[UUID]) -> set[UUID]:
    """Every id that the person's archives can be called after: an erased thread gave them a new one.

    After a backup was restored the ledger alone may know some of them.
    """
    earlier = erasure.user.erasures.values_list("memory_id", flat=True) if erasure.user else ()
    return {erasure.memory_id, *written, *earlier} | ({erasure.user.memory_id} if erasure.user else set())


def _of_no_thread(erasure: Erasure, names: Sequence[str]) -> list[str]:
    """Files that no row tells of, called after what stands for none of the person's threads: by a key that is gone.

    It may be the erased thread. Of another one it holds nothing that anybody could ask for.
    """
    told_of = set(Archive.objects.filter(name__in=names).values_list("name", flat=True))
    threads = erasure.user.threads.exclude(pk=erasure.thread_id).values_list("pk", flat=True) if erasure.user else ()
    living = {each for thread in threads for each in opaque.stand_ins(tombstones.digest(thread))}
    return [
        name
        for name in names
        if name not in told_of and _called(name).startswith(opaque.MARK) and _called(name) not in living
    ]


def _called(name: str) -> str:
    """The part of an archive's name that says of which thread it is."""
    return name.partition("_")[2].rpartition("_")[0]


def _is_of(threads: Collection[str], name: str) -> bool:
    """Archives are called `{memory id}_{thread}_{time}`; of an erased thread only the id's hash may be known."""
    called = _called(name)
    return tombstones.digest(called) in threads or any(called in opaque.stand_ins(each) for each in threads)


def _some_messages(erasure: Erasure) -> int:
    rows = Message.objects.filter(thread__in=threads_of(erasure)).values_list("pk", flat=True)
    return Message.objects.filter(pk__in=list(rows[:ROWS_AT_ONCE])).delete()[0]


def _removed(erasure: Erasure, what: str, remove: Callable[[], int]) -> int:
    """Remove and count in one transaction."""
    with transaction.atomic():
        row = Erasure.objects.select_for_update().get(pk=erasure.pk)
        count = remove()
        row.counts = row.counts | {what: row.counts.get(what, 0) + count}
        row.save(update_fields=["counts"])
    return count


async def _forget_threads(threads: list[str]) -> None:
    await context_cache.forget_all(threads)
    for at in range(0, len(threads), THREADS_AT_ONCE):
        work = partial(_forget_writes, threads[at : at + THREADS_AT_ONCE])
        await state_redis().exchange("erasure", work, patiently=True)


async def _forget_writes(threads: Sequence[str], redis: Redis) -> None:
    await redis.register_script(FORGET_SUCCESS)([write_hold.SUCCESS_KEY], threads)
    await redis.delete(*(f"{write_hold.FAILED_KEY}:{thread_id}" for thread_id in threads))
