"""`manage.py memory_doctor`: is everything there that memory needs, and if not, what to do."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from assistant.doctor import archives, clocks, configuration, database, erasures, memory, redis_roles, workers
from assistant.doctor.examination import examine
from assistant.doctor.findings import Check, Finding, Status, worst_of
from assistant.management.operator import as_json

SOMETHING_FAILED = 1


class Command(BaseCommand):
    help = (
        "Look at configuration, database, both Redis roles, broker, queues and workers, heartbeats, clocks, the "
        "guard, the backlog, archives and erasures, and say what is wrong and what to do. Changes nothing. Ends within "
        "15 seconds, whatever hangs. Exit code: 0 nothing failed (there may be warnings), 1 something failed (with "
        "--strict: or there are warnings), 2 wrong usage."
    )
    requires_system_checks = ()  # what they find is a finding, not a reason to look at nothing

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--zep", action="store_true", help="ask Zep too: does it answer, and take the key")
        parser.add_argument("--strict", action="store_true", help="end with 1 where there are warnings")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        began = time.monotonic()
        findings = examine(checks(with_zep=options["zep"]))
        worst, seconds = worst_of(findings), time.monotonic() - began
        if options["json"]:
            found = [finding.as_json() for finding in findings]
            self.stdout.write(as_json({"status": worst, "seconds": round(seconds, 2), "findings": found}))
        else:
            self.stdout.write("\n".join([*map(_lines, findings), f"{worst}, in {seconds:.1f} s"]))
        if worst is Status.FAILED or (options["strict"] and worst is Status.WARNING):
            self.stdout.flush()
            sys.exit(SOMETHING_FAILED)


def checks(*, with_zep: bool) -> list[Check]:
    """All of them, as they are shown."""
    return [
        Check("configuration", configuration.look, "manage.py check --deploy"),
        Check("database", database.look, "Is it up, and is DATABASE_URL where?"),
        Check("redis state", redis_roles.look_at_state, "Is it up, and is REDIS_URL where?"),
        Check("redis cache", redis_roles.look_at_cache, "Is it up, and is CACHE_REDIS_URL where?"),
        Check("broker", workers.look_at_queues, "Is it up, and is CELERY_BROKER_URL where?"),
        Check("heartbeats", workers.look_at_heartbeats, "See `redis state`."),
        Check("clock", clocks.look, "timedatectl status"),
        Check("mode", memory.look_at_mode, "manage.py zep_mode"),
        Check("backlog", memory.look_at_backlog, "manage.py zep_mirror; see `database`."),
        Check("archive", archives.look, "Look at the storage's own log."),
        Check("erasures", erasures.look, "See `database`."),
        Check(
            "zep", memory.look_at_zep if with_zep else memory.zep_was_not_asked, "Is it up, and is ZEP_BASE_URL where?"
        ),
    ]


def _lines(finding: Finding) -> str:
    said = f"{finding.status:8} {finding.check}: {finding.found}"
    return f"{said}\n         -> {finding.do}" if finding.do else said
