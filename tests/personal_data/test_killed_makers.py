"""A worker killed at every step of making an export: never is anything half made served, and the next one makes it."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from assistant.models import Export, User
from assistant.personal_data import export_files, exports
from tests.personal_data.conftest import Say, fetched
from tests.support.processes import ROOT

pytestmark = [
    pytest.mark.rehearsal,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "standin"),
]
POINTS = 24
SECONDS = 300


def killed_at(runs: Sequence[tuple[Export, int]]) -> list[str]:
    own = connection.settings_dict
    postgres = f"postgres://{own['USER']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
        "DATABASE_URL": f"sqlite:///{own['NAME']}" if connection.vendor == "sqlite" else postgres,
        "EXPORT_DIR": str(settings.EXPORT_DIR),
    }
    pairs = [f"{export.pk}:{nth}" for export, nth in runs]
    command = [sys.executable, "-m", "tests.personal_data.killed_makers", *pairs]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.split()


@pytest.mark.timeout(400)
def test_killed_anywhere_an_export_is_made_by_the_next_one_and_is_whole(say: Say) -> None:
    people = [User.objects.create_user(f"person{number}") for number in range(POINTS)]
    for number, user in enumerate(people):
        say(f"kanarya {number}", f"t{number}", user)
    runs = [(exports.begin(user), nth) for nth, user in enumerate(people, start=1)]

    ended = killed_at(runs)

    assert ended[:18] == ["killed"] * 18
    assert ended[-1] == "ended", "there are more points than are tried"
    assert any(path.suffix == ".part" for path in settings.EXPORT_DIR.iterdir()), "none was killed while it wrote"
    for export, _ in runs:
        export.refresh_from_db()
        if export.state == Export.State.WAITING:
            assert exports.opened(export) is None
    Export.objects.filter(claimed_until__isnull=False).update(claimed_until=timezone.now() - timedelta(seconds=1))
    for pk in exports.due():
        exports.make(pk)
    for number, (export, _) in enumerate(runs):
        with zipfile.ZipFile(io.BytesIO(fetched(export.pk))) as packed:
            assert f"kanarya {number}".encode() in packed.read("messages.json")
    assert {path.name for path in settings.EXPORT_DIR.iterdir()} == {f"{e.pk}{export_files.SEALED}" for e, _ in runs}
