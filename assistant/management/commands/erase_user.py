"""`manage.py erase_user USER`: erase everything about a person."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant.management.operator import as_json, current_operator
from assistant.models import User
from assistant.personal_data import erasure, inventory

REFUSED = 1


class Command(BaseCommand):
    help = (
        "Erase everything about a person, here and at Zep; a worker carries it out. Prints the receipt. "
        "Exit code: 0 begun, 1 no such user or refused, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="the user's name")
        parser.add_argument("--yes", action="store_true", help="do not ask: it is meant, and cannot be undone")
        parser.add_argument("--operator", default="", help="who is acting, for the audit (default: your login)")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            self._refuse("USER: there is no such user")
            return
        if _is_the_last_superuser(user):
            self._refuse("USER: this is the last active superuser; make another one first")
        held = inventory.of(user)
        if options["dry_run"]:
            self._print({"would_erase": held}, options)
            return
        if not options["yes"]:
            self._ask(user, held)
        begun = erasure.request(user, options["operator"] or current_operator())
        self._print({"receipt": begun.receipt, "url": f"/api/me/erasures/{begun.receipt}/", "held": held}, options)

    def _ask(self, user: User, held: dict[str, int]) -> None:
        if not sys.stdin.isatty():
            raise CommandError("--yes: needed where nobody can be asked")
        self.stderr.write(f"{held} will be erased for good. Type the user's name to go on: ", ending="")
        self.stderr.flush()
        try:
            answer = input()
        except EOFError:
            answer = ""
        if answer != user.username:
            self._refuse("not erased")

    def _refuse(self, reason: str) -> None:
        self.stderr.write(reason)
        sys.exit(REFUSED)

    def _print(self, facts: dict[str, object], options: dict[str, Any]) -> None:
        lines = as_json(facts) if options["json"] else "\n".join(f"{name}: {value}" for name, value in facts.items())
        self.stdout.write(lines)


def _is_the_last_superuser(user: User) -> bool:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser and user.is_active and not others.exists()
