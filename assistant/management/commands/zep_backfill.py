"""`manage.py zep_backfill`: mirror what was held back."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant.archive import restoring
from assistant.archive.errors import ArchiveError
from assistant.management.operator import as_json, at_least_one, current_operator
from assistant.memory import backfill, outbox
from assistant.memory.flags import MemoryMode, base_mode
from assistant.tasks import start_drainers

PROGRESS_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Let held messages go to Zep: those said while FLAG_ZEP_WRITE was off, or whose redaction had failed. May be "
        "stopped and run again. Exit code: 0 done, 1 could not, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=at_least_one, default=None, help="at most so many threads (default: all)")
        parser.add_argument("--wait", action="store_true", help="stay until everything has arrived, showing progress")
        parser.add_argument("--operator", default="", help="who is acting, for the audit (default: your login)")
        parser.add_argument("--dry-run", action="store_true", help="say what is held, change nothing")
        parser.add_argument("--json", action="store_true", help="the result as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        if base_mode() is MemoryMode.OFF and not options["dry_run"]:
            raise CommandError("FLAG_ZEP_WRITE is off: switch it on first, or everything would wait again")
        before = backfill.held()
        if options["dry_run"]:
            self._result({"held_threads": before.threads, "held_messages": before.messages}, options)
            return
        threads, messages = self._let_go(before, options)
        start_drainers(1)
        if options["wait"]:
            self._wait()
        self._result({"threads": threads, "messages": messages, "waiting": outbox.backlog()[0]}, options)

    def _let_go(self, before: backfill.Held, options: dict[str, Any]) -> tuple[int, int]:
        threads = messages = 0
        shown = time.monotonic()
        actor = options["operator"] or current_operator()
        self._restore_archived(actor)
        for count in backfill.let_go(actor, options["limit"]):
            threads, messages = threads + 1, messages + count
            if time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                self.stderr.write(
                    f"let go {messages} of {before.messages} messages, {threads} of {before.threads} threads"
                )
        return threads, messages

    def _restore_archived(self, actor: str) -> None:
        """What was archived while it was held has to be back before it can be sent; its thread waits otherwise."""
        for archive_id in restoring.archives_with_held_messages():
            try:
                restoring.restore(archive_id, actor)
            except ArchiveError as error:
                self.stderr.write(f"archive {archive_id} not restored, its thread stays held: {error}")

    def _wait(self) -> None:
        while waiting := outbox.backlog()[0]:
            self.stderr.write(f"{waiting} messages on their way")
            time.sleep(PROGRESS_SECONDS)

    def _result(self, facts: dict[str, object], options: dict[str, Any]) -> None:
        self.stdout.write(as_json(facts) if options["json"] else "  ".join(f"{n}={v}" for n, v in facts.items()))
