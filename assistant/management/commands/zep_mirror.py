"""`manage.py zep_mirror`: what waits for Zep, and whether the cluster may write."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from assistant import loops
from assistant.management.operator import as_json
from assistant.memory import backfill, dead_letters, outbox, write_hold
from assistant.redis_link import RedisDown


class Command(BaseCommand):
    help = "Show the mirror's backlog, its oldest message, what is held, dead letters, and the write hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        facts = _facts()
        if options["json"]:
            self.stdout.write(as_json(facts))
            return
        for name, value in facts.items():
            self.stdout.write(f"{name.replace('_', ' ').capitalize()}: {value}")


def _facts() -> dict[str, object]:
    waiting, oldest = outbox.backlog()
    held = backfill.held()
    return {
        "waiting": waiting,
        "oldest_age_seconds": round((timezone.now() - oldest).total_seconds()) if oldest else 0,
        "held_threads": held.threads,
        "held_messages": held.messages,
        "dead_letters": dead_letters.count(),
        "write_hold": _hold(),
    }


def _hold() -> str:
    try:
        hold = loops.run(write_hold.state())
    except RedisDown:
        return "not known: Redis does not answer"
    if not hold.is_on:
        return "none"
    since, next_try = round(hold.now - hold.since), max(0, round(hold.until - hold.now))
    return f"reason={hold.reason}, since {since} s, next try in {next_try} s"
