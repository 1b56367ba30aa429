"""`manage.py issue_token USER`: an API token, shown once."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant import tokens
from assistant.management.operator import current_operator
from assistant.models import User

USERNAME_MAX_CHARACTERS = 150


class Command(BaseCommand):
    help = (
        "Make an API token for a user, who is created if need be, and print it alone on the last line. "
        "Exit code: 0 done, 1 refused, 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="the user's name")
        parser.add_argument("--name", default="", help="what the token is for (default: nothing)")
        parser.add_argument(
            "--expires-days",
            type=_days,
            default=None,
            metavar="DAYS",
            help="refuse it after so many days, 1 to 3650 (default: it does not end)",
        )
        parser.add_argument("--operator", default="", help="who is acting, for the audit (default: your login)")

    def handle(self, *_: Any, **options: Any) -> None:
        username: str = options["user"]
        if not username.strip() or len(username) > USERNAME_MAX_CHARACTERS:
            raise CommandError("USER must be 1 to 150 characters")
        user, created = User.objects.get_or_create(username=username)
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        self.stderr.write(f"{'created' if created else 'found'} user {user.pk}; the token is shown this once:")
        actor = options["operator"] or current_operator()
        self.stdout.write(tokens.issue(user, options["name"], expires_days=options["expires_days"], actor=actor))


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= tokens.LONGEST_DAYS:
        raise ArgumentTypeError(f"{text!r} is not a number of days from 1 to {tokens.LONGEST_DAYS}")
    return int(text)
