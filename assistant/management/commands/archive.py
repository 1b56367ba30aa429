"""`manage.py archive`: files of old messages; what is in them is never printed. What is done is in `archives`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant.management.archives import changing, looking
from assistant.management.archives.asking import Answer, Asked
from assistant.management.archives.usage import ACTIONS, ARGUMENTS, refused
from assistant.management.operator import at_least_one, current_operator, days, row_number, thread_id
from assistant.models import Archive

COULD_NOT, WRONG_USAGE = 1, 2
CARRY_OUT = {
    "list": looking.list_,
    "show": looking.show,
    "verify": looking.verify,
    "restore": changing.restore,
    "reseal": changing.reseal,
    "run": changing.run,
    "adopt": changing.adopt,
    "expire": changing.expire,
}


class Command(BaseCommand):
    help = (
        "Archived messages: "
        + "; ".join(f"{name}: {usage.what}" for name, usage in ACTIONS.items())
        + ". Exit code: 0 done, 1 nothing matched or something was refused, 2 wrong usage: also an argument that the "
        "action does not use."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Without defaults: what is not None was typed."""
        parser.add_argument("action", choices=tuple(ACTIONS))
        parser.add_argument("archive", nargs="?", type=row_number, help="only this archive, by its number")
        parser.add_argument("--thread", type=thread_id, help="only of this thread")
        parser.add_argument("--state", choices=Archive.State.values, help="list: only these")
        limits = ", ".join(f"{name} {usage.limit}" for name, usage in ACTIONS.items() if usage.limit)
        parser.add_argument("--limit", type=at_least_one, help=f"at most so many (default: all, but {limits})")
        parser.add_argument("--days", type=days, help="expire: older than so many days")
        parser.add_argument("--operator", help="who is acting, for the audit (default: your login)")
        for name, what in (
            ("--yes", "expire: the one numbered really goes"),
            ("--dry-run", "say what would be done, change nothing; run without --limit names the first 1000"),
            ("--json", "one JSON object a line"),
        ):
            parser.add_argument(name, action="store_true", default=None, help=what)

    def handle(self, *_: Any, **options: Any) -> None:
        action = options["action"]
        given = {name: options[name] for name in ARGUMENTS if options[name] is not None}
        if why := refused(action, given):
            raise CommandError(why, returncode=WRONG_USAGE)
        answer = Answer(self.stdout, self.stderr, is_json=given.pop("json", False))
        actor = given.pop("operator", "") or current_operator()
        asked = Asked(actor, **{"limit": ACTIONS[action].limit} | given)
        if not CARRY_OUT[action](asked, answer):
            sys.exit(COULD_NOT)
