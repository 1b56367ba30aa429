"""`manage.py issue_token USER`: an API token, shown once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from assistant import tokens
from assistant.models import User

USERNAME_MAX_CHARACTERS = 150


class Command(BaseCommand):
    help = "Make an API token for a user, who is created if need be, and print it alone on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER", help="the user's name")
        parser.add_argument("--name", default="", help="what the token is for (default: nothing)")

    def handle(self, *_: Any, **options: Any) -> None:
        username: str = options["user"]
        if not username.strip() or len(username) > USERNAME_MAX_CHARACTERS:
            raise CommandError("USER must be 1 to 150 characters")
        user, created = User.objects.get_or_create(username=username)
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        self.stderr.write(f"{'created' if created else 'found'} user {user.pk}; the token is shown this once:")
        self.stdout.write(tokens.issue(user, options["name"]))
