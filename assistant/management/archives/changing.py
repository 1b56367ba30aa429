"""Actions of `manage.py archive` that archive, bring back, seal anew and delete; each with a dry run."""

import math
from dataclasses import asdict
from functools import partial
from itertools import islice

from django.utils import timezone

from assistant.archive import archiving, marks, resealing, restoring, retention, running, threads
from assistant.archive.errors import ArchiveError
from assistant.management.archives.asking import Answer, Asked, each_meant, summary
from assistant.models import Archive

SHOWN_OF_ALL = 1_000  # of what a run without --limit would do


def restore(asked: Asked, answer: Answer) -> bool:
    if not asked.names_some:
        return answer.refuse("restore needs an archive's number or --thread")
    return each_meant(asked, answer, partial(_would_restore if asked.dry_run else _restore_one, asked, answer))


def reseal(asked: Asked, answer: Answer) -> bool:
    meant = asked.meant()
    if asked.names_some and not meant.exists():
        return answer.refuse("there is no such archive")
    try:
        if asked.dry_run:
            rows = resealing.wanted(meant).order_by("pk")[: asked.limit]
            return answer.say_all([summary(row) | {"key_id": row.key_id} for row in rows] or [{"would_reseal": 0}])
        done = [_resealed(answer, each) for each in resealing.reseal_all(asked.actor, meant, asked.limit)]
        answer.say({"resealed": sum(done), "left": resealing.wanted(meant).count()})
    except ArchiveError as error:
        return answer.refuse(str(error))
    return all(done)


def run(asked: Asked, answer: Answer) -> bool:
    if asked.thread is not None:
        return _run_one(asked, asked.thread, answer)
    if asked.dry_run:
        due = threads.due_threads(timezone.now(), asked.limit or SHOWN_OF_ALL)
        return answer.say_all([{"would_archive": thread_id} for thread_id in due] or [{"due": 0}])
    ran = running.run(math.inf, most=asked.limit or math.inf)
    answer.say(asdict(ran))
    return not (ran.failed or ran.stopped_by)


def adopt(asked: Asked, answer: Answer) -> bool:
    """What is not in the storage then counts as lost, and as gone where it is erased."""
    try:
        seen = marks.look()
        if not (asked.dry_run or seen.is_marked):
            marks.adopt(asked.actor)
    except ArchiveError as error:
        return answer.refuse(str(error))
    found = {"files_named": seen.files_named, "of_the_newest": min(seen.files_named, marks.NEWEST)}
    answer.say({"was_right": seen.is_right, **found, "found": seen.newest_found})
    return True


def expire(asked: Asked, answer: Answer) -> bool:
    """Delete what is over, of all threads or of the one named; or one archive, whatever its age."""
    if asked.archive is not None:
        return _expire_one(asked, asked.archive, answer)
    if asked.names_some and not asked.meant().exists():
        return answer.refuse("there is no such archive")
    if asked.dry_run:
        rows = retention.over(timezone.now(), asked.days, asked.thread)[: asked.limit]
        return answer.say_all([summary(row) for row in rows] or [{"would_expire": 0}])
    gone = retention.expire(timezone.now(), asked.actor, asked.days, asked.thread)
    answer.say({"expired": sum(1 for _ in islice(gone, asked.limit))})
    return True


def _would_restore(_: Asked, answer: Answer, row: Archive) -> None:
    answer.say({"archive": row.pk, "would_restore": restoring.would_restore(row.pk)})


def _restore_one(asked: Asked, answer: Answer, row: Archive) -> None:
    restored = restoring.restore(row.pk, asked.actor)
    answer.say({"archive": row.pk, "restored": restored.messages, "already": restored.already})


def _resealed(answer: Answer, each: resealing.Resealed) -> bool:
    """Say so at once; False where it was refused."""
    if each.refused is None:
        answer.say({"archive": each.archive, "resealed": True})
    else:
        answer.say({"archive": each.archive, "refused": each.refused.reason, "because": str(each.refused)})
    return each.refused is None


def _run_one(asked: Asked, thread_id: str, answer: Answer) -> bool:
    try:
        if asked.dry_run:
            answer.say({"would_archive": thread_id, "messages": archiving.would_archive(thread_id)})
        else:
            answer.say(asdict(archiving.archive_now(thread_id, asked.actor)))
    except ArchiveError as error:
        return answer.refuse(str(error))
    return True


def _expire_one(asked: Asked, archive_id: int, answer: Answer) -> bool:
    stored = asked.meant().filter(state=Archive.State.STORED).first()
    if stored is None:
        return answer.refuse("there is no such stored archive")
    if asked.dry_run or not asked.yes:
        answer.say({"would_expire": stored.pk} | summary(stored))
        answer.errors.write("nothing was deleted: --yes deletes it, for good")
        return True
    try:
        gone = retention.expire_now(archive_id, asked.actor, timezone.now())
    except ArchiveError as error:
        return answer.refuse(str(error))
    answer.say({"archive": gone.pk, "expired": gone.message_count})
    return True
