"""`manage.py reapply_erasures`: after a backup was restored, erase again whom it brought back, and opt out who did."""

import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assistant.management.operator import as_json
from assistant.personal_data.reapplying import reapply

NOT_ALL = 1
CANNOT_BE_READ = (
    "ERASURE_LEDGER: some lines cannot be read. One that a crash cut short was written again later; where that is not "
    "so, put the ledger's backup in its place and repeat."
)


class Command(BaseCommand):
    help = (
        "Begin every erasure of the ledger (ERASURE_LEDGER) again, under its old receipt; workers carry them out. "
        "Put into force again what people last chose about memory. "
        "Run it after restoring a backup, before workers and the web start. "
        "Exit code: 0 done, 1 no ledger, or a line of it cannot be read (the others are done), 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say who is back and what is forgotten, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        if not settings.ERASURE_LEDGER.exists():
            raise CommandError("ERASURE_LEDGER: there is no such file")
        try:
            done = asdict(reapply(dry_run=options["dry_run"]))
        except OSError as error:
            raise CommandError(f"ERASURE_LEDGER: it cannot be read: {error.strerror}") from None
        done["begun"] = len(done.pop("receipts"))
        lines = as_json(done) if options["json"] else "\n".join(f"{name}: {value}" for name, value in done.items())
        self.stdout.write(lines)
        if done["unreadable_lines"]:
            self.stderr.write(CANNOT_BE_READ)
            sys.exit(NOT_ALL)
