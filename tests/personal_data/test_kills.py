"""A worker killed at every step of an erasure: the schedule finishes it, and counts nothing twice."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant import conversation
from assistant.archive import archiving, left_over, marks
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
SECONDS = 1_500
SAID = [f"said {number}" for number in range(8)]


def killed_at(runs: Sequence[tuple[Erasure, int]], database_url: str) -> list[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "easy_islanders.settings",
        "DATABASE_URL": database_url,
        "ERASURE_LEDGER": str(settings.ERASURE_LEDGER),
        "EXPORT_DIR": str(settings.EXPORT_DIR),
        "ARCHIVE_DIR": settings.STORAGES["archive"]["OPTIONS"]["location"],
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


@pytest.mark.timeout(2_000)  # some forty erasures, one after another
def test_killed_anywhere_an_erasure_is_finished_and_its_counts_are_right(database_url: str, standin: StandIn) -> None:
    points = 50
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


@pytest.fixture
def archives(settings: Settings, tmp_path: Path) -> Path:
    """A folder of this test's own."""
    local = settings.STORAGES["archive"] | {"OPTIONS": {"location": str(tmp_path / "archives")}}
    settings.STORAGES = settings.STORAGES | {"archive": local}
    return tmp_path / "archives"


def somebody_with_archives(number: int) -> User:
    """A person with a thread that goes, and one that stays, most of which is in two archives."""
    user = User.objects.create_user(f"person{number}")
    for thread_id, said in (("goes", "kanarya"), *(("stays", said) for said in SAID)):
        conversation.record(ThreadRef(user, f"{thread_id}{number}"), said, uuid4())
    for name in ("goes", "stays"):
        mirror.drain(f"{name}{number}")
    for keep in (4, 2):
        archiving.archive_now(f"stays{number}", "op", keep=keep)
    return user


@pytest.mark.timeout(2_000)  # some sixty erasures, one after another
def test_killed_anywhere_a_threads_erasure_is_finished_and_all_the_rest_is_told_anew_once_and_in_order(
    database_url: str, standin: StandIn, archives: Path
) -> None:
    points = 60
    people = [somebody_with_archives(number) for number in range(points)]
    runs = [(erasure.request_thread(user, f"goes{number}", "op"), number + 1) for number, user in enumerate(people)]

    ended = killed_at(runs, database_url)

    assert ended[:30] == ["killed"] * 30
    assert ended[-1] == "ended", "there are more points than are tried"
    for number, (begun, _) in enumerate(runs):
        done = finish(begun)
        assert done.state == Erasure.State.COMPLETED
        assert (done.counts["archives_brought_back"], done.counts["archives_left_out"]) == (2, 0)
        mirror.drain(f"stays{number}")
        assert standin.thread(f"stays{number}").contents == SAID
        assert not standin.thread(f"goes{number}").exists
    left_over.sweep(timezone.now())
    left_over.sweep(timezone.now())
    assert [path.name for path in archives.iterdir() if not marks.is_mark(path.name)] == []
    assert set(Thread.objects.values_list("hot_messages", "archived_messages")) == {(len(SAID), 0)}
