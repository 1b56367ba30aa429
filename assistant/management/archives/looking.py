"""Actions of `manage.py archive` that change nothing but when an archive was last verified."""

from functools import partial
from typing import Any

from django.utils import timezone

from assistant.archive import checking, reading, restoring
from assistant.archive.errors import ArchiveError
from assistant.management.archives.asking import Answer, Asked, each_meant, summary
from assistant.models import Archive


def list_(asked: Asked, answer: Answer) -> bool:
    rows = asked.meant().order_by("-created_at", "-pk")[: asked.limit]
    return answer.say_all(summary(row) for row in rows)


def show(asked: Asked, answer: Answer) -> bool:
    if not asked.names_some:
        return answer.refuse("show needs an archive's number or --thread")
    return each_meant(asked, answer, partial(_show_one, answer))


def verify(asked: Asked, answer: Answer) -> bool:
    """Read what is meant; where nothing is named, look for files that nobody knows too."""
    all_right = each_meant(asked, answer, partial(_verify_one, asked, answer), may_be_none=not asked.names_some)
    if asked.names_some:
        return all_right
    try:
        strays = checking.strays(timezone.now())
    except ArchiveError as error:
        return answer.refuse(str(error))
    for name in strays:
        answer.say({"stray_file": name})
    return all_right and not strays


def _show_one(answer: Answer, row: Archive) -> None:
    answer.say(summary(row) | {"sha256": row.sha256, "key_id": row.key_id, "rule": row.rule})
    if row.state == Archive.State.STORED:
        answer.say_all(_of_message(message) for message in reading.messages(reading.opened(row)))


def _verify_one(asked: Asked, answer: Answer, row: Archive) -> None:
    if row.state == Archive.State.STORED:
        messages = restoring.check(row.pk) if asked.dry_run else checking.verify(row)
        answer.say({"archive": row.pk, "messages": messages, "result": "right"})


def _of_message(message: dict[str, Any]) -> dict[str, object]:
    return {
        "sequence": message["sequence"],
        "client_msg_id": message["client_msg_id"],
        "role": message["role"],
        "said_at": message["created_at"].isoformat(timespec="seconds"),
        "length": len(message["text"]),
        "mirror_state": message["mirror_state"],
    }
