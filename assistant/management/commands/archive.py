"""`manage.py archive`: files of old messages; what is in them is never printed."""

import math
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import QuerySet
from django.utils import timezone

from assistant.archive import archiving, checking, marks, reading, resealing, restoring, retention, running, threads
from assistant.archive.errors import ArchiveError
from assistant.management.operator import as_json, at_least_one, current_operator
from assistant.models import Archive

COULD_NOT = 1
ACTIONS = {
    "list": "archives, newest first",
    "show": "one archive, and its messages without their texts",
    "verify": "read archives and compare them with their rows; says which files belong to no archive",
    "restore": "put an archive's texts back into the database",
    "reseal": "seal archives that another key sealed, or none, with the first of ARCHIVE_ENCRYPTION_KEY",
    "run": "archive what is due now, or the thread named",
    "adopt": "say that the configured storage is the right one, although the mark it is known by is missing",
    "expire": "delete archives older than ARCHIVE_RETENTION_DAYS, or --days",
}


class Command(BaseCommand):
    help = (
        "Archived messages: "
        + "; ".join(f"{name}: {what}" for name, what in ACTIONS.items())
        + ". Exit code: 0 done, 1 nothing matched or something was refused, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=tuple(ACTIONS))
        parser.add_argument("archive", nargs="?", type=at_least_one, help="only this archive, by its number")
        parser.add_argument("--thread", help="only of this thread")
        parser.add_argument("--state", choices=Archive.State.values, help="list: only these")
        parser.add_argument("--limit", type=at_least_one, default=1_000, help="at most so many (default: 1000)")
        parser.add_argument("--days", type=at_least_one, help="expire: older than so many days")
        parser.add_argument("--operator", default="", help="who is acting, for the audit (default: your login)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_: Any, **options: Any) -> None:
        self._as_json: bool = options["json"]
        self._actor: str = options["operator"] or current_operator()
        actions = {
            "list": self._list,
            "show": self._show,
            "verify": self._verify,
            "restore": self._restore,
            "reseal": self._reseal,
            "run": self._run,
            "adopt": self._adopt,
            "expire": self._expire,
        }
        if not actions[options["action"]](options):
            sys.exit(COULD_NOT)

    def _list(self, options: dict[str, Any]) -> bool:
        rows = _meant(options).order_by("-created_at", "-pk")[: options["limit"]]
        return self._print_all(_summary(row) for row in rows)

    def _show(self, options: dict[str, Any]) -> bool:
        if not _is_named(options):
            return self._refuse("show needs an archive's number or --thread")
        return self._for_each(options, self._show_one)

    def _show_one(self, row: Archive) -> None:
        self._print(_summary(row) | {"sha256": row.sha256, "key_id": row.key_id, "rule": row.rule})
        if row.state == Archive.State.STORED:
            self._print_all(_of_message(message) for message in reading.messages(reading.opened(row)))

    def _verify(self, options: dict[str, Any]) -> bool:
        all_right = self._for_each(options, self._verify_one, may_be_none=True)
        if _is_named(options):
            return all_right
        try:
            strays = checking.strays(timezone.now())
        except ArchiveError as error:
            return self._refuse(str(error))
        for name in strays:
            self._print({"stray_file": name})
        return all_right and not strays

    def _verify_one(self, row: Archive) -> None:
        if row.state == Archive.State.STORED:
            self._print({"archive": row.pk, "messages": checking.verify(row), "result": "right"})

    def _restore(self, options: dict[str, Any]) -> bool:
        if not _is_named(options):
            return self._refuse("restore needs an archive's number or --thread")
        return self._for_each(options, self._would_restore if options["dry_run"] else self._restore_one)

    def _would_restore(self, row: Archive) -> None:
        self._print({"archive": row.pk, "would_restore": restoring.would_restore(row.pk)})

    def _restore_one(self, row: Archive) -> None:
        restored = restoring.restore(row.pk, self._actor)
        self._print({"archive": row.pk, "restored": restored.messages, "already": restored.already})

    def _reseal(self, options: dict[str, Any]) -> bool:
        meant = _meant(options)
        if _is_named(options) and not meant.exists():
            return self._refuse("there is no such archive")
        try:
            if options["dry_run"]:
                rows = resealing.wanted(meant).order_by("pk")[: options["limit"]]
                return self._print_all(
                    [_summary(row) | {"key_id": row.key_id} for row in rows] or [{"would_reseal": 0}]
                )
            done = [self._resealed(each) for each in resealing.reseal_all(self._actor, meant, options["limit"])]
            self._print({"resealed": sum(done), "left": resealing.wanted(meant).count()})
        except ArchiveError as error:
            return self._refuse(str(error))
        return all(done)

    def _resealed(self, each: resealing.Resealed) -> bool:
        """Say so at once; False where it was refused."""
        if each.refused is None:
            self._print({"archive": each.archive, "resealed": True})
        else:
            self._print({"archive": each.archive, "refused": each.refused.reason, "because": str(each.refused)})
        return each.refused is None

    def _run(self, options: dict[str, Any]) -> bool:
        if options["dry_run"]:
            due = threads.due_threads(timezone.now(), options["limit"])
            return self._print_all([{"would_archive": thread_id} for thread_id in due] or [{"due": 0}])
        if options["thread"]:
            try:
                self._print(asdict(archiving.archive_now(options["thread"], self._actor)))
            except ArchiveError as error:
                return self._refuse(str(error))
            return True
        ran = running.run(math.inf)
        self._print(asdict(ran))
        return not (ran.failed or ran.stopped_by)

    def _expire(self, options: dict[str, Any]) -> bool:
        if options["dry_run"]:
            rows = retention.over(timezone.now(), options["days"])[: options["limit"]]
            return self._print_all([_summary(row) for row in rows] or [{"would_expire": 0}])
        expired = 0
        for _ in retention.expire(timezone.now(), self._actor, options["days"]):
            expired += 1
            if expired >= options["limit"]:
                break
        self._print({"expired": expired})
        return True

    def _adopt(self, options: dict[str, Any]) -> bool:
        """What is not there then counts as lost, and as gone where it is erased."""
        try:
            seen = marks.look()
            if not (options["dry_run"] or seen.is_marked):
                marks.adopt(self._actor)
        except ArchiveError as error:
            return self._refuse(str(error))
        found = {"files_named": seen.files_named, "of_the_newest": min(seen.files_named, marks.NEWEST)}
        self._print({"was_right": seen.is_right, **found, "found": seen.newest_found})
        return True

    def _for_each(self, options: dict[str, Any], act: Any, *, may_be_none: bool = False) -> bool:
        """Go on after one that is refused, saying why; whether none was, and there was one."""
        found, refused = 0, 0
        for row in _meant(options).order_by("first_sequence", "pk")[: options["limit"]].iterator(chunk_size=100):
            found += 1
            try:
                act(row)
            except ArchiveError as error:
                refused += 1
                self._print({"archive": row.pk, "refused": error.reason, "because": str(error)})
        if not (found or may_be_none):
            return self._refuse("there is no such archive")
        return not refused

    def _refuse(self, why: str) -> bool:
        self.stderr.write(why)
        return False

    def _print_all(self, lines: Iterable[dict[str, object]]) -> bool:
        printed = 0
        for line in lines:
            self._print(line)
            printed += 1
        return printed > 0

    def _print(self, facts: dict[str, object]) -> None:
        line = as_json(facts) if self._as_json else "  ".join(f"{name}={value}" for name, value in facts.items())
        self.stdout.write(line)


def _is_named(options: dict[str, Any]) -> bool:
    return bool(options["archive"] or options["thread"])


def _meant(options: dict[str, Any]) -> QuerySet[Archive]:
    lookups = {"pk": options["archive"], "thread_id": options["thread"], "state": options["state"]}
    return Archive.objects.filter(**{name: value for name, value in lookups.items() if value is not None})


def _summary(row: Archive) -> dict[str, object]:
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


def _of_message(message: dict[str, Any]) -> dict[str, object]:
    return {
        "sequence": message["sequence"],
        "client_msg_id": message["client_msg_id"],
        "role": message["role"],
        "said_at": message["created_at"].isoformat(timespec="seconds"),
        "length": len(message["text"]),
        "mirror_state": message["mirror_state"],
    }
