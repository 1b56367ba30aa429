"""What tests of telling Zep anew share: two archives of a thread that stays, and what became of them."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from assistant.archive import archiving, storage
from assistant.memory import mirror
from assistant.models import Archive, Erasure, User
from assistant.personal_data import erasure, progress
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, time_passes

SAID = [f"stays {number}" for number in range(14)]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Archives of this test's own."""
    local = settings.STORAGES["archive"] | {"OPTIONS": {"location": str(tmp_path / "archives")}}
    settings.STORAGES = settings.STORAGES | {"archive": local}
    return tmp_path / "archives"


@pytest.fixture
def archived(say: Say, ayse: User) -> list[Archive]:
    """Two archives of a thread that stays: messages 1 to 6, and 7 to 12. Another thread goes."""
    say("kanarya", "goes")
    for text in SAID:
        say(text, "stays")
    for thread_id in ("goes", "stays"):
        mirror.drain(thread_id)
    for keep in (8, 2):
        archiving.archive_now("stays", "op", keep=keep)
    assert len(storage.names()) == 2
    return list(Archive.objects.order_by("pk"))


def settled(user: User, thread_id: str = "goes") -> Erasure:
    """An erasure whose next step is its last look."""
    asked = erasure.request_thread(user, thread_id, "op")
    progress.carry_out(asked.pk)
    time_passes()
    return asked


def told(standin: StandIn) -> list[str]:
    mirror.drain("stays")
    return standin.thread("stays").contents


def brought_back(done: Erasure) -> tuple[int, int]:
    done.refresh_from_db()
    return done.counts["archives_brought_back"], done.counts["archives_left_out"]


def archived_too(say: Say, thread_id: str) -> None:
    """One more thread of theirs whose older messages are in a file."""
    for number in range(6):
        say(f"kanarya {number}", thread_id)
    mirror.drain(thread_id)
    archiving.archive_now(thread_id, "op", keep=2)
