"""After one thread's erasure Zep is told the user's other threads anew, with what was archived of them, in order."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import archiving, restoring, retention, running, storage, threads
from assistant.archive.errors import ArchiveUnavailable
from assistant.events import ArchiveFailed, Event
from assistant.memory import backfill, mirror
from assistant.models import Archive, AuditEntry, Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, export_files, exports, progress, unarchiving
from assistant.personal_data.choices import choose_memory
from assistant.personal_data.events import ArchivesLeftOut
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
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


def test_what_was_archived_is_told_anew_too_and_in_its_order(
    archived: list[Archive], ayse: User, standin: StandIn
) -> None:
    done = finish(erasure.request_thread(ayse, "goes", "op"))

    assert done.state == Erasure.State.COMPLETED
    assert brought_back(done) == (2, 0)
    assert told(standin) == SAID
    assert set(Message.objects.values_list("mirror_state", flat=True)) == {MirrorState.MIRRORED}
    assert storage.names() == []
    assert set(Archive.objects.values_list("state", flat=True)) == {Archive.State.RESTORED}
    assert AuditEntry.objects.filter(action="archive.restore", actor="system").count() == 2
    thread = Thread.objects.get()
    assert (thread.hot_messages, thread.archived_messages, thread.archived_through) == (14, 0, 0)


def test_the_schedule_archives_it_again(
    archived: list[Archive], ayse: User, standin: StandIn, settings: Settings
) -> None:
    finish(erasure.request_thread(ayse, "goes", "op"))
    told(standin)
    settings.ARCHIVE_MAX_MESSAGES_IN_MEMORY = settings.ARCHIVE_THRESHOLD = 12

    assert threads.due_threads(timezone.now(), 10) == ["stays"]
    assert running.run(60).messages == 4


def test_what_was_brought_back_is_kept_no_longer_for_it(
    archived: list[Archive], ayse: User, settings: Settings
) -> None:
    """Who erases one thread does not have what they said in the others kept anew for as long as archives are."""
    said = [timezone.now() - timedelta(days=days) for days in (20, 10)]
    for archive, at in zip(archived, said, strict=True):
        Archive.objects.filter(pk=archive.pk).update(retained_since=at)
    finish(erasure.request_thread(ayse, "goes", "op"))
    mirror.drain("stays")

    archiving.archive_now("stays", "op", keep=2)

    again = Archive.objects.filter(state=Archive.State.STORED).order_by("first_sequence")
    assert [(each.first_sequence, each.last_sequence, each.retained_since) for each in again] == [
        (1, 6, said[0]),
        (7, 12, said[1]),
    ]
    settings.ARCHIVE_RETENTION_DAYS = 15
    assert [each.last_sequence for each in retention.expire(timezone.now(), "retention")] == [6]


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


def test_for_who_opted_out_nothing_is_brought_back_or_ever_told(
    archived: list[Archive], ayse: User, standin: StandIn
) -> None:
    choose_memory(ayse, memory_on=False)

    done = finish(erasure.request_thread(ayse, "goes", "op"))

    assert "archives_brought_back" not in done.counts
    assert Message.objects.filter(archive__state=Archive.State.STORED, text="").count() == 12
    assert set(Message.objects.values_list("mirror_state", flat=True)) == {MirrorState.PRIVATE}
    assert told(standin) == []


def test_who_opts_out_at_the_last_moment_is_obeyed(
    archived: list[Archive], ayse: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = settled(ayse)
    bring_back = unarchiving.bring_back

    def and_opt_out(erasure: Erasure) -> None:
        bring_back(erasure)
        choose_memory(ayse, memory_on=False)

    monkeypatch.setattr(unarchiving, "bring_back", and_opt_out)
    assert finish(asked).state == Erasure.State.COMPLETED

    assert told(standin) == []
    assert set(Message.objects.values_list("mirror_state", flat=True)) == {MirrorState.PRIVATE}


def test_who_opts_in_again_at_the_last_moment_is_told_of_with_everything(
    archived: list[Archive], ayse: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = settled(ayse)
    choose_memory(ayse, memory_on=False)
    bring_back = unarchiving.bring_back

    def and_opt_in(erasure: Erasure) -> None:
        bring_back(erasure)
        choose_memory(ayse, memory_on=True)

    monkeypatch.setattr(unarchiving, "bring_back", and_opt_in)
    progress.carry_out(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.failure) == (Erasure.State.SETTLING, "remove_the_last_rows: changed")
    time_passes()

    assert brought_back(finish(asked)) == (2, 0)
    assert told(standin) == SAID


def test_an_export_that_is_made_while_archives_come_back_does_not_outlive_the_thread_it_names(
    archived: list[Archive], ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = settled(ayse)
    bring_back = unarchiving.bring_back

    def and_export(erasure: Erasure) -> None:
        exports.make(exports.begin(ayse).pk)
        assert len(export_files.names()) == 1
        bring_back(erasure)

    monkeypatch.setattr(unarchiving, "bring_back", and_export)
    done = finish(asked)

    assert done.state == Erasure.State.COMPLETED
    assert not export_files.names()
    assert not ayse.exports.exists()
    assert done.counts["exports"] == 1


def test_who_opts_out_while_an_archive_is_read_gets_it_back_no_more(
    archived: list[Archive], ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = settled(ayse)
    contents = restoring.contents

    def contents_and_opt_out(archive: Archive) -> restoring.Contents:
        held = contents(archive)
        choose_memory(ayse, memory_on=False)
        return held

    monkeypatch.setattr(restoring, "contents", contents_and_opt_out)
    finish(asked)

    assert len(storage.names()) == 2
    assert Archive.objects.filter(state=Archive.State.STORED).count() == 2


def test_a_persons_erasure_brings_nothing_back(
    archived: list[Archive], ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "contents", None)
    of_a_thread = settled(ayse)
    of_the_person = erasure.request(ayse, "op")

    done = finish(of_a_thread)

    assert done.state == finish(of_the_person).state == Erasure.State.COMPLETED
    assert "archives_brought_back" not in done.counts
    assert not Message.objects.exists()
    assert storage.names() == []


def test_what_is_about_to_go_too_is_not_brought_back(
    archived: list[Archive], say: Say, ayse: User, standin: StandIn
) -> None:
    archived_too(say, "goes_too")
    first = settled(ayse)
    second = erasure.request_thread(ayse, "goes_too", "op")

    assert brought_back(finish(first)) == (2, 0)

    assert Archive.objects.get(thread_id="goes_too").state == Archive.State.STORED
    finish(second)
    assert told(standin) == SAID


def test_what_zep_was_never_told_stays_where_it_is(
    archived: list[Archive], say: Say, ayse: User, standin: StandIn
) -> None:
    choose_memory(ayse, memory_on=False)
    for number in range(4):
        say(f"private {number}", "stays")
    archiving.archive_now("stays", "op", keep=2)
    choose_memory(ayse, memory_on=True)
    private = Archive.objects.exclude(pk__in=[each.pk for each in archived]).get()
    Message.objects.filter(archive=private).update(mirror_state=MirrorState.PRIVATE)

    assert brought_back(finish(erasure.request_thread(ayse, "goes", "op"))) == (2, 0)

    private.refresh_from_db()
    assert private.state == Archive.State.STORED
    assert told(standin) == SAID[:12]


def test_of_two_threads_that_go_neither_is_brought_back_for_the_other(
    archived: list[Archive], say: Say, ayse: User, standin: StandIn
) -> None:
    archived_too(say, "goes_too")
    asked = [settled(ayse, name) for name in ("goes", "goes_too")]

    for each in asked:
        assert finish(each).state == Erasure.State.COMPLETED

    assert [each.counts["archives_left_out"] for each in asked] == [0, 0]
    assert sum(each.counts.get("archives_brought_back", 0) for each in asked) == 2
    assert told(standin) == SAID
    assert storage.names() == []


def test_while_writing_is_off_it_is_held_for_a_backfill(
    archived: list[Archive], ayse: User, standin: StandIn, settings: Settings
) -> None:
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    finish(erasure.request_thread(ayse, "goes", "op"))
    assert set(Message.objects.values_list("mirror_state", flat=True)) == {MirrorState.HELD}
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = True

    assert backfill.let_go_threads(["stays"], "op") == 14

    assert told(standin) == SAID


def test_two_workers_at_once_bring_each_archive_back_once(
    archived: list[Archive], ayse: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second takes over in the middle of the first one's reading, and does it all."""
    asked = settled(ayse)
    contents = restoring.contents

    def contents_and_be_overtaken(archive: Archive) -> restoring.Contents:
        held = contents(archive)
        monkeypatch.setattr(restoring, "contents", contents)
        Erasure.objects.update(claimed_until=None)
        finish(asked)
        return held

    monkeypatch.setattr(restoring, "contents", contents_and_be_overtaken)
    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert asked.state == Erasure.State.COMPLETED
    assert brought_back(asked) == (2, 0)
    assert told(standin) == SAID
