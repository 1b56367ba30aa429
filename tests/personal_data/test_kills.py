"""A worker killed at every step of an erasure: the schedule finishes it, and counts nothing twice."""

import os
import subprocess
import sys
from collections.abc import Sequence
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from assistant import conversation
from assistant.conversation import ThreadRef
from assistant.memory import mirror
from assistant.models import Erasure, Export, Message, Thread, User
from assistant.personal_data import erasure, export_files, exports
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import finish
from tests.support.processes import ROOT

pytestmark = [
    pytest.mark.rehearsal,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "standin"),
]
SECONDS = 400


def killed_at(runs: Sequence[tuple[Erasure, int]], database_url: str) -> list[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
        "DATABASE_URL": database_url,
        "ERASURE_LEDGER": str(settings.ERASURE_LEDGER),
        "EXPORT_DIR": str(settings.EXPORT_DIR),
    }
    pairs = [f"{begun.pk}:{nth}" for begun, nth in runs]
    command = [sys.executable, "-m", "tests.personal_data.killed", *pairs]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.split()


@pytest.fixture
def database_url() -> str:
    own = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{own['NAME']}"
    return f"postgres://{own['USER']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"


def somebody(number: int) -> User:
    """A person with two threads, one of them at Zep, and an export that lies ready."""
    user = User.objects.create_user(f"person{number}")
    for thread_id in (f"a{number}", f"b{number}"):
        conversation.record(ThreadRef(user, thread_id), f"kanarya {number}", uuid4())
    mirror.drain(f"a{number}")
    export = exports.begin(user)
    exports.make(export.pk)
    return user


@pytest.mark.timeout(600)  # some forty erasures, one after another
def test_killed_anywhere_an_erasure_is_finished_and_its_counts_are_right(database_url: str, standin: StandIn) -> None:
    points = 46
    people = [somebody(number) for number in range(points)]
    runs = [(erasure.request(user, "op"), nth) for nth, user in enumerate(people, start=1)]

    ended = killed_at(runs, database_url)

    assert ended[:25] == ["killed"] * 25
    assert ended[-1] == "ended", "there are more points than are tried"
    for begun, _ in runs:
        done = finish(begun)
        assert done.state == Erasure.State.COMPLETED
        counts = done.counts
        assert (counts["threads"], counts["messages"], counts["exports"], counts["zep_sessions"]) == (2, 2, 1, 1)
    assert not any(model.objects.exists() for model in (User, Thread, Message, Export))
    assert standin.threads() == []
    assert export_files.names() == set()
