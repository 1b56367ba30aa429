"""After one thread's erasure Zep is told the user's other threads anew, with what was archived of them, in order."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import archiving, restoring, retention, running, storage, threads
from assistant.memory import backfill, mirror
from assistant.models import Archive, AuditEntry, Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, export_files, exports, progress, unarchiving
from assistant.personal_data.choices import choose_memory
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish, time_passes
from tests.personal_data.retelling.conftest import SAID, archived_too, brought_back, settled, told

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


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
