"""Archives whose time is over, and files that were to go, over the real database and real files."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models import ProtectedError
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import left_over, reading, restoring, retention, running, storage
from assistant.archive.archiving import archive_now, archive_thread
from assistant.archive.errors import (
    ArchiveExpired,
    ArchiveUnavailable,
)
from assistant.events import ArchiveFailed, Event
from assistant.models import Archive, AuditEntry, Message, Thread
from tests.archive.conftest import Grow, files, texts_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def test_an_archive_whose_time_is_over_is_deleted_and_its_rows_stay_slim(
    grow: Grow, folder: Path, settings: Settings
) -> None:
    settings.ARCHIVE_RETENTION_DAYS = 7
    grow("t1", 60)
    archive_thread("t1")
    now = timezone.now()
    assert list(retention.expire(now + timedelta(days=6, hours=23), "retention")) == []

    expired = list(retention.expire(now + timedelta(days=8), "retention"))

    assert len(expired) == 1
    assert files(folder) == []
    row = Archive.objects.get()
    assert (row.state, row.file_removed_at is not None) == (Archive.State.EXPIRED, True)
    assert Message.objects.filter(archive=row, text="").count() == 50
    assert AuditEntry.objects.get(action="archive.expire").details["messages"] == 50
    with pytest.raises(ArchiveExpired):
        restoring.restore(row.pk, "ayse")


def test_without_a_limit_nothing_expires(grow: Grow) -> None:
    grow("t1", 60)
    archive_thread("t1")

    assert django_settings.ARCHIVE_RETENTION_DAYS == 0
    assert list(retention.expire(timezone.now() + timedelta(days=9999), "retention")) == []


def test_a_file_that_could_not_be_deleted_is_deleted_by_the_next_sweep(
    grow: Grow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow("t1", 60)
    archive_thread("t1")

    def away(_: str) -> None:
        raise ArchiveUnavailable("away")

    with monkeypatch.context() as while_away:
        while_away.setattr("assistant.archive.storage.remove", away)
        restoring.restore(Archive.objects.get().pk, "ayse")
    assert len(files(folder)) == 1

    left_over.sweep(timezone.now())

    assert files(folder) == []
    assert left_over.sweep(timezone.now()) == 0


def test_a_file_that_can_never_be_deleted_keeps_no_other_and_no_thread_waiting(
    grow: Grow, folder: Path, monkeypatch: pytest.MonkeyPatch, announced: list[Event]
) -> None:
    """A bucket may refuse one key alone."""
    for thread_id in ("t1", "t2"):
        grow(thread_id, 60)
        archive_thread(thread_id)
    stays, goes = Archive.objects.order_by("pk")
    delete = storage.LocalFolder.delete

    def refused(self: storage.LocalFolder, name: str) -> None:
        if name in refuses:
            raise PermissionError
        delete(self, name)

    refuses = {stays.name, goes.name}
    monkeypatch.setattr(storage.LocalFolder, "delete", refused)
    for archive in (stays, goes):
        retention.expire_now(archive.pk, "ayse", timezone.now())
    refuses.remove(goes.name)
    grow("t3", 60)

    ran = running.run(60)

    assert (ran.removed, ran.threads, ran.stopped_by) == (1, 1, "")
    assert [file.name for file in files(folder) if file.name in (stays.name, goes.name)] == [stays.name]
    assert ArchiveFailed("t1", "unavailable") in announced
    refuses.clear()
    assert left_over.sweep(timezone.now()) == 1


def left_for_good(folder: Path, thread: Thread) -> Path:
    """What a killed run wrote of it and nobody can remove: a folder that is not empty."""
    facts = {"first_sequence": 1, "last_sequence": 2, "message_count": 2, "format_version": 1}
    archive = Archive.objects.create(thread=thread, name=f"left-of-{thread.pk}", rule="full", **facts)
    path = folder / archive.name
    path.mkdir(parents=True)
    (path / "inside").touch()
    return path


def test_what_a_killed_run_left_and_can_never_be_deleted_keeps_no_thread_from_being_archived(
    grow: Grow, folder: Path, announced: list[Event]
) -> None:
    thread = grow("t1", 60)
    grow("t2", 60)
    running.run(60, most=0)  # the folder is marked
    left = left_for_good(folder, thread)

    ran = running.run(60)

    assert (ran.threads, ran.messages, ran.failed, ran.stopped_by) == (2, 100, 0, "")
    assert ArchiveFailed("t1", "unavailable") in announced
    assert Archive.objects.filter(state=Archive.State.STORED).count() == 2
    (left / "inside").unlink()
    assert left_over.sweep(timezone.now() + left_over.OF_A_KILLED_RUN_AFTER) == 1
    assert not left.exists()


def test_a_thread_whose_file_the_storage_refuses_ends_no_run(
    grow: Grow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow("t1", 61)
    grow("t2", 60)
    save, refused = storage.LocalFolder._save, []

    def refuse_the_first(self: storage.LocalFolder, name: str, content: Any) -> str:
        if not name.startswith("."):
            refused.append(name)
        if len(refused) == 1:
            raise PermissionError
        return save(self, name, content)

    running.run(60, most=0)  # the folder is marked
    monkeypatch.setattr(storage.LocalFolder, "_save", refuse_the_first)

    ran = running.run(60)

    assert (ran.threads, ran.failed, ran.stopped_by) == (1, 1, "")
    assert Archive.objects.get().thread_id == "t2"


def test_a_thread_with_archives_cannot_be_deleted_past_them(grow: Grow) -> None:
    """A row that went by itself would leave a file that nobody knows of."""
    grow("t1", 60)
    archive_thread("t1")

    with pytest.raises(ProtectedError):
        Thread.objects.get().delete()


# Brought back, and archived again


DAY = timedelta(days=1)


def archived_days_ago(days: int, thread_id: str = "t1") -> Archive:
    """Archive the thread, as if it had been then."""
    then = timezone.now() - days * DAY
    archive_thread(thread_id, lambda: then)
    return Archive.objects.get(state=Archive.State.STORED)


def expired_sequences(settings: Settings, days: int) -> list[tuple[int, int]]:
    settings.ARCHIVE_RETENTION_DAYS = days
    gone = retention.expire(timezone.now(), "retention")
    return [(archive.first_sequence, archive.last_sequence) for archive in gone]


def test_what_was_restored_and_archived_again_is_kept_no_longer_for_it(grow: Grow, settings: Settings) -> None:
    grow("t1", 60)
    for _ in range(2):  # the second time what was restored is restored again
        restoring.restore(archived_days_ago(20).pk, "ayse")
    settings.ARCHIVE_RETENTION_DAYS = 0
    again = archive_now("t1", "ayse")

    assert again.files == 1
    assert expired_sequences(settings, 21) == []
    assert expired_sequences(settings, 20) == [(1, 50)]


def test_a_file_holds_words_of_one_age_so_none_goes_early_with_others(grow: Grow, settings: Settings) -> None:
    grow("t1", 60)
    restoring.restore(archived_days_ago(20).pk, "ayse")
    grow("t1", 40)

    assert archive_now("t1", "ayse").files == 2

    assert expired_sequences(settings, 20) == [(1, 50)]
    assert [archive.message_count for archive in Archive.objects.filter(state="stored")] == [40]
    assert texts_of("t1").count("") == 90


def test_two_files_that_were_restored_are_two_files_again_each_with_its_time(grow: Grow, settings: Settings) -> None:
    grow("t1", 60)
    first = archived_days_ago(20)
    grow("t1", 40)
    now = timezone.now()
    archive_thread("t1", lambda: now - 10 * DAY)
    for archive in Archive.objects.order_by("-pk"):
        restoring.restore(archive.pk, "ayse")
    assert "" not in texts_of("t1")

    archive_now("t1", "ayse")

    stored = Archive.objects.filter(state="stored").order_by("first_sequence")
    assert [(each.first_sequence, each.last_sequence) for each in stored] == [(1, 50), (51, 90)]
    assert stored[0].retained_since == first.retained_since
    assert all(len(list(reading.messages(reading.opened(each)))) == each.message_count for each in stored)
    assert expired_sequences(settings, 10) == [(1, 50), (51, 90)]


def test_what_an_operator_restored_before_its_time_was_over_goes_with_the_next_archive(
    grow: Grow, settings: Settings
) -> None:
    settings.ARCHIVE_RETENTION_DAYS = 21
    grow("t1", 60)
    restoring.restore(archived_days_ago(20).pk, "ayse")
    two_days_later = timezone.now() + 2 * DAY

    archive_thread("t1", lambda: two_days_later)

    assert len(list(retention.expire(two_days_later, "retention"))) == 1
    assert texts_of("t1").count("") == 50


def test_what_is_over_its_time_cannot_be_restored(
    grow: Grow, settings: Settings, folder: Path, announced: list[Event]
) -> None:
    settings.ARCHIVE_RETENTION_DAYS = 20
    grow("t1", 60)
    archive = archived_days_ago(20)

    for attempt in (lambda: restoring.restore(archive.pk, "ayse"), lambda: restoring.would_restore(archive.pk)):
        with pytest.raises(ArchiveExpired, match="its time is over"):
            attempt()

    assert restoring.check(archive.pk) == 50  # the file is right all the same
    assert not [event for event in announced if isinstance(event, ArchiveFailed)]  # nobody has to be paged
    assert len(files(folder)) == 1
    assert texts_of("t1").count("") == 50


def test_those_whose_time_is_over_are_found_by_their_index() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")  # an empty table is read otherwise
    try:
        plan = retention.over(timezone.now(), 30).explain()
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("RESET enable_seqscan")

    assert "archive_retained" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
