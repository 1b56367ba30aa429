"""`manage.py zep_deadletters`: messages that Zep would not take."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from assistant.management.operator import as_json, at_least_one, current_operator, message_id, moment
from assistant.memory import dead_letters
from assistant.memory.dead_letters import Filter
from assistant.models import Message
from assistant.publishing import publish
from assistant.tasks import mirror_message

COULD_NOT = 1


class Command(BaseCommand):
    help = (
        "List, show, replay or discard dead letters. Texts are never printed. Exit code: 0 done, 1 nothing matched, "
        "2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("list", "show", "replay", "discard"))
        parser.add_argument("client_msg_id", nargs="?", type=message_id, help="only this message")
        parser.add_argument("--thread", help="only of this thread")
        parser.add_argument("--reason", help="only of this kind, e.g. http_400, conflict, remote_deleted")
        parser.add_argument("--since", type=moment, help="said at or after this moment (ISO 8601)")
        parser.add_argument("--until", type=moment, help="said before this moment (ISO 8601)")
        parser.add_argument("--limit", type=at_least_one, default=1_000, help="at most so many (default: 1000)")
        parser.add_argument(
            "--rate", type=at_least_one, default=50, help="replay at most so many a second (default: 50)"
        )
        parser.add_argument("--operator", default="", help="who is acting, for the audit (default: your login)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_: Any, **options: Any) -> None:
        wanted = Filter(
            client_msg_id=options["client_msg_id"],
            thread_id=options["thread"],
            reason=options["reason"],
            since=options["since"],
            until=options["until"],
        )
        self._as_json: bool = options["json"]
        actions = {"list": self._list, "show": self._show, "replay": self._replay, "discard": self._discard}
        if not actions[options["action"]](wanted, options):
            sys.exit(COULD_NOT)

    def _list(self, wanted: Filter, options: dict[str, Any]) -> int:
        rows = list(dead_letters.find(wanted)[: options["limit"]])
        for row in rows:
            self._print(_summary(row))
        return len(rows)

    def _show(self, wanted: Filter, options: dict[str, Any]) -> int:
        rows = list(dead_letters.find(wanted)[: options["limit"]])
        for row in rows:
            self._print(
                _summary(row) | {"redactions": row.redactions, "sha256": row.outgoing_sha256, "length": len(row.text)}
            )
        return len(rows)

    def _replay(self, wanted: Filter, options: dict[str, Any]) -> int:
        if options["dry_run"]:
            return self._would("replay", wanted, options)
        replayed = 0
        for rows in dead_letters.replay(wanted, actor=_actor(options), limit=options["limit"]):
            for row in rows:
                publish(mirror_message, str(row.client_msg_id))
                time.sleep(1 / options["rate"])
            replayed += len(rows)
            self.stderr.write(f"replayed {replayed}")
        self._print({"replayed": replayed})
        return replayed

    def _discard(self, wanted: Filter, options: dict[str, Any]) -> int:
        if options["dry_run"]:
            return self._would("discard", wanted, options)
        discarded = dead_letters.discard(wanted, actor=_actor(options), limit=options["limit"])
        self._print({"discarded": discarded})
        return discarded

    def _would(self, action: str, wanted: Filter, options: dict[str, Any]) -> int:
        count: int = min(dead_letters.find(wanted).count(), options["limit"])
        self._print({f"would_{action}": count})
        return count

    def _print(self, facts: dict[str, object]) -> None:
        line = as_json(facts) if self._as_json else "  ".join(f"{name}={value}" for name, value in facts.items())
        self.stdout.write(line)


def _actor(options: dict[str, Any]) -> str:
    return str(options["operator"] or current_operator())


def _summary(row: Message) -> dict[str, object]:
    return {
        "client_msg_id": row.client_msg_id,
        "thread_id": row.thread_id,
        "sequence": row.sequence,
        "role": row.role,
        "reason": row.mirror_error,
        "attempts": row.mirror_attempts,
        "said_at": row.created_at.isoformat(timespec="seconds"),
    }
