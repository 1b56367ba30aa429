"""Archives that cannot be read, or that no storage gives: Zep is told the rest, and somebody which they are."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from assistant.archive import storage
from assistant.archive.errors import ArchiveUnavailable
from assistant.events import ArchiveFailed, Event
from assistant.models import Archive, AuditEntry, Erasure, Message, User
from assistant.personal_data import erasure, progress
from assistant.personal_data.events import ArchivesLeftOut
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import finish, time_passes
from tests.personal_data.retelling.conftest import SAID, brought_back, settled, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def damage(folder: Path, archive: Archive) -> None:
    (folder / archive.name).write_bytes(b"damaged")


def lose(folder: Path, archive: Archive) -> None:
    (folder / archive.name).unlink()


def lose_the_key(folder: Path, archive: Archive) -> None:
    Archive.objects.filter(pk=archive.pk).update(key_id="lost")


def expire(folder: Path, archive: Archive) -> None:
    Archive.objects.filter(pk=archive.pk).update(state=Archive.State.EXPIRED, expired_at=timezone.now())


REASONS: dict[Callable[[Path, Archive], None], list[str]] = {
    damage: ["damaged"],
    lose: ["damaged"],
    lose_the_key: ["key"],
    expire: [],
}


@pytest.mark.parametrize("spoil", REASONS)
def test_an_archive_that_cannot_be_read_is_left_out_said_and_counted(
    archived: list[Archive],
    ayse: User,
    standin: StandIn,
    folder: Path,
    announced: list[Event],
    spoil: Callable[[Path, Archive], None],
) -> None:
    spoil(folder, archived[0])

    done = finish(erasure.request_thread(ayse, "goes", "op"))

    assert done.state == Erasure.State.COMPLETED
    assert brought_back(done) == (1, 1)
    assert told(standin) == SAID[6:]
    assert Message.objects.filter(archive=archived[0].pk, text="").count() == 6
    assert ArchivesLeftOut(1) in announced
    assert [event.reason for event in announced if isinstance(event, ArchiveFailed)] == REASONS[spoil]


def test_a_storage_that_is_away_puts_it_off_and_nothing_is_told_by_halves(
    archived: list[Archive], ayse: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = settled(ayse)

    def away(_: str) -> bytes:
        raise ArchiveUnavailable("away")

    with monkeypatch.context() as broken:
        for what in ("read", "exists"):
            broken.setattr(storage, what, away)
        broken.setattr(storage, "remove", lambda _: None)
        progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert (asked.state, asked.failure) == (Erasure.State.SETTLING, "bring_back: unavailable")
    assert told(standin) == []
    time_passes()
    assert brought_back(finish(asked)) == (2, 0)
    assert told(standin) == SAID


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """From now on the storage gives, or lets go of, none of these files; it answers for others."""
    folder = storage.LocalFolder

    def refuse(*names: str, what: str) -> None:
        act = getattr(folder, what)

        def refused(self: storage.LocalFolder, name: str, *more: Any) -> Any:
            if name in names:
                raise PermissionError
            return act(self, name, *more)

        monkeypatch.setattr(folder, what, refused)

    return refuse


def test_one_file_that_is_never_given_is_named_and_the_others_come_back(
    archived: list[Archive], ayse: User, refuse: Callable[..., None], standin: StandIn
) -> None:
    refuse(archived[0].name, what="_open")
    asked = settled(ayse)

    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert (asked.state, asked.failure) == (
        Erasure.State.SETTLING,
        f"bring_back: unavailable: archive {archived[0].pk}",
    )
    assert [each.state for each in Archive.objects.order_by("pk")] == [Archive.State.STORED, Archive.State.RESTORED]
    assert told(standin) == []


def test_an_operator_gives_it_up_and_the_erasure_goes_on_without_it(
    archived: list[Archive], ayse: User, refuse: Callable[..., None], standin: StandIn, announced: list[Event]
) -> None:
    for what in ("_open", "delete"):
        refuse(archived[0].name, what=what)
    asked = settled(ayse)
    progress.carry_out(asked.pk)
    time_passes()

    call_command("archive", "expire", str(archived[0].pk), "--yes", "--operator", "zeki", stdout=StringIO())

    assert brought_back(finish(asked)) == (1, 1)
    assert asked.state == Erasure.State.COMPLETED
    assert told(standin) == SAID[6:]
    assert ArchivesLeftOut(1) in announced
    assert AuditEntry.objects.get(action="archive.expire").actor == "zeki"


def test_of_several_the_first_is_named_and_the_others_are_counted(
    archived: list[Archive], ayse: User, refuse: Callable[..., None]
) -> None:
    refuse(*(each.name for each in archived), what="_open")
    asked = settled(ayse)

    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert asked.failure == f"bring_back: unavailable: archive {archived[0].pk} +1"


def test_a_file_of_what_is_erased_that_cannot_be_removed_is_named_and_the_others_go(
    archived: list[Archive], ayse: User, refuse: Callable[..., None]
) -> None:
    refuse(archived[0].name, what="delete")
    asked = erasure.request_thread(ayse, "stays", "op")

    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert (asked.state, asked.failure) == (
        Erasure.State.REQUESTED,
        f"remove_archive_files: not removed: archive {archived[0].pk}",
    )
    assert storage.names() == [archived[0].name]
