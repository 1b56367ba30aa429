"""Makes the database ready: checks, migrations, seed, the administrator, the demo user's token. A child process.

Knows Django's own commands and the project's by name; it imports nothing of the product. What can only be known now
(a new password, a new token) goes to `$LOCAL_DIR/secrets`.
"""

import io
import os
import sys
from pathlib import Path

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command

from ops.launcher import env_file, secrets_file

ADMIN = "admin"
DEMO_USER = "demo"
NEW_TOKEN_ONLY = "--new-token"  # noqa: S105  # an option's name


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "easy_islanders.settings")
    django.setup()
    local_dir = Path(os.environ["LOCAL_DIR"])
    if arguments == [NEW_TOKEN_ONLY]:
        return issue_token(local_dir)
    call_command("check")
    call_command("migrate", interactive=False)
    call_command("seed_listings")
    keep_admin(local_dir)
    return keep_token(local_dir)


def keep_admin(local_dir: Path) -> None:
    """Create the administrator. One who has another password than ours keeps it: then ours is forgotten."""
    known = env_file.read(secrets_file.path_in(local_dir)).get(secrets_file.ADMIN_PASSWORD, "")
    admin = get_user_model().objects.filter(username=ADMIN).first()
    if admin is None:
        secrets_file.keep(local_dir, secrets_file.ADMIN_PASSWORD, created_admin())
    elif known and not admin.check_password(known):
        secrets_file.keep(local_dir, secrets_file.ADMIN_PASSWORD, "")


def created_admin() -> str:
    """The new administrator's password."""
    password = secrets_file.made_up()
    os.environ["DJANGO_SUPERUSER_PASSWORD"] = password
    call_command("createsuperuser", interactive=False, username=ADMIN, email=f"{ADMIN}@localhost")
    return password


def keep_token(local_dir: Path) -> None:
    """Issue a token when there is none, or when the database no longer has its user."""
    known = env_file.read(secrets_file.path_in(local_dir)).get(secrets_file.DEMO_TOKEN)
    if not known or not get_user_model().objects.filter(username=DEMO_USER).exists():
        issue_token(local_dir)


def issue_token(local_dir: Path) -> None:
    output = io.StringIO()
    call_command("issue_token", DEMO_USER, stdout=output)
    secrets_file.keep(local_dir, secrets_file.DEMO_TOKEN, output.getvalue().split()[-1])


if __name__ == "__main__":
    main(sys.argv[1:])
