"""Archiving over the real database and real files."""

import hashlib
import json
import re
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import archiving, restoring, running, threads
from assistant.archive.archiving import archive_thread
from assistant.archive.due import Rule
from assistant.archive.errors import (
    ArchiveDamaged,
    ArchiveError,
    ArchiveNotConfigured,
    ThreadBusy,
)
from assistant.archive.sealing import Sealed, unseal
from assistant.events import ArchiveFailed, Event, MessagesArchived, SessionArchived
from assistant.memory import outbox
from assistant.models import Archive, Message, MirrorState, Thread, User
from tests.archive.conftest import Grow, files, rows_of, texts_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
SLIM = {"text": "", "rich": None, "memory_trace": None}


def opened(path: Path, row: Archive) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(unseal(Sealed(path.read_bytes(), row.key_id)))
    return fields


def test_all_but_the_last_ten_go_into_a_file(grow: Grow, folder: Path) -> None:
    grow("t1", 60)
    before = rows_of("t1")

    archived = archive_thread("t1")

    assert (archived.messages, archived.files, archived.rule) == (50, 1, Rule.HARD_LIMIT)
    assert texts_of("t1") == [""] * 50 + [row["text"] for row in before[50:]]
    row = Archive.objects.get()
    [path] = files(folder)
    history = opened(path, row)["conversation_history"]
    assert [entry["content"] for entry in history] == [row["text"] for row in before[:50]]
    thread = Thread.objects.get()
    assert (thread.hot_messages, thread.archived_messages, thread.archived_through) == (10, 50, 50)
    assert row.state == Archive.State.STORED
    assert row.verified_at is not None


def test_a_slim_row_keeps_all_but_the_texts(grow: Grow) -> None:
    grow("t1", 60)
    before = rows_of("t1")

    archive_thread("t1")

    kept = [{k: v for k, v in row.items() if k not in (*SLIM, "archive", "text_digest")} for row in before]
    slim = [{k: v for k, v in row.items() if k not in (*SLIM, "archive", "text_digest")} for row in rows_of("t1")]
    assert slim == kept
    assert all(row.items() >= SLIM.items() for row in rows_of("t1")[:50])
    assert all(len(row["text_digest"]) == 64 for row in rows_of("t1")[:50])


def test_the_file_is_named_by_opaque_ids_and_shows_nothing(grow: Grow, folder: Path, ayse: User) -> None:
    thread_id = str(uuid4())
    grow(thread_id, 60)

    archive_thread(thread_id)

    [path] = files(folder)
    assert re.fullmatch(rf"{ayse.memory_id}_{thread_id}_[0-9]{{8}}T[0-9]{{12}}Z\.json\.gz\.enc", path.name)
    assert b"question" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Archive.objects.get().sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_thread_whose_user_called_it_after_somebody_has_a_file_that_says_nothing(
    grow: Grow, folder: Path, ayse: User
) -> None:
    grow("ayse-yilmaz", 60)

    archive_thread("ayse-yilmaz")

    [path] = files(folder)
    assert re.fullmatch(rf"{ayse.memory_id}_t-[0-9a-f]{{24}}_[0-9]{{8}}T[0-9]{{12}}Z\.json\.gz\.enc", path.name)
    assert opened(path, Archive.objects.get())["conversation_id"] == "ayse-yilmaz"
    restoring.restore(Archive.objects.get().pk, "ayse")
    assert "question" in texts_of("ayse-yilmaz")[0]


def test_without_encryption_the_file_is_plain_gzip(grow: Grow, folder: Path, settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION = False
    grow("t1", 60)

    archive_thread("t1")

    assert files(folder)[0].name.endswith("Z.json.gz")
    restoring.restore(Archive.objects.get().pk, "ayse")


@pytest.mark.parametrize("state", [MirrorState.PENDING, MirrorState.IN_FLIGHT, MirrorState.DEAD, MirrorState.HELD])
def test_a_message_that_is_not_mirrored_stays(grow: Grow, state: MirrorState) -> None:
    grow("t1", 60)
    Message.objects.filter(sequence__in=[3, 4, 20]).update(mirror_state=state, mirrored_at=None)

    archived = archive_thread("t1")

    assert archived.messages == 47
    hot = Message.objects.filter(archive=None).values_list("sequence", flat=True).order_by("sequence")
    assert list(hot) == [3, 4, 20, *range(51, 61)]
    assert Thread.objects.get().archived_through == 2


def test_messages_held_because_writing_is_off_are_archived(grow: Grow, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    grow("t1", 60, mirror_state=MirrorState.HELD, mirrored_at=None)
    Message.objects.filter(sequence=7).update(mirror_error="redaction_failed")

    archived = archive_thread("t1")

    assert archived.messages == 49
    assert Message.objects.get(sequence=7).text != ""


def test_a_thread_that_is_not_due_is_left_as_it_is(grow: Grow, folder: Path) -> None:
    grow("t1", 49)

    assert archive_thread("t1").messages == 0
    assert files(folder) == []


def test_a_thread_with_nothing_to_archive_is_not_looked_at_every_minute(grow: Grow) -> None:
    grow("t1", 60, mirror_state=MirrorState.PENDING, mirrored_at=None)

    archive_thread("t1")

    assert threads.due_threads(timezone.now(), 10) == []
    assert threads.due_threads(timezone.now() + archiving.PAUSE_AFTER_FAILURE, 10) == ["t1"]


def test_a_long_thread_goes_into_several_files_in_bounded_portions(
    grow: Grow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "MESSAGES_PER_FILE", 30)
    grow("t1", 100)

    archived = archive_thread("t1")

    assert (archived.messages, archived.files) == (60, 2)  # then forty are left, which is below the limit
    assert len(files(folder)) == 2
    spans = Archive.objects.order_by("pk").values_list("first_sequence", "last_sequence", "message_count")
    assert list(spans) == [(1, 30, 30), (31, 60, 30)]


def test_a_silent_thread_is_archived_whole(grow: Grow) -> None:
    grow("t1", 4, at=timezone.now() - timedelta(days=31))

    archived = archive_thread("t1")

    assert (archived.messages, archived.rule) == (4, Rule.IDLE)
    assert Thread.objects.get().hot_messages == 0


def test_an_old_session_is_archived_and_begins_anew(grow: Grow) -> None:
    grow("t1", 12, begun=timezone.now() - timedelta(hours=2))

    assert archive_thread("t1").rule is Rule.AGE

    grow("t1", 2)
    assert threads.due_threads(timezone.now(), 10) == []
    assert threads.due_threads(timezone.now() + timedelta(hours=1), 10) == ["t1"]


def test_the_finder_and_the_decision_agree(grow: Grow) -> None:
    hour_ago, month_ago = timezone.now() - timedelta(hours=2), timezone.now() - timedelta(days=31)
    grow("full", 50)
    grow("fuller", 120)
    grow("young", 49)
    grow("old", 11, begun=hour_ago)
    grow("old-short", 10, begun=hour_ago)
    grow("silent", 2, at=month_ago, begun=month_ago)

    found = threads.due_threads(timezone.now(), 10)

    assert found == ["fuller", "full", "old", "silent"]
    decided = {thread.pk for thread in Thread.objects.all() if threads.decision(thread, timezone.now())}
    assert decided == set(found)


def test_what_is_archived_and_how_is_announced(grow: Grow, announced: list[Event]) -> None:
    grow("t1", 60)

    archive_thread("t1")

    [stored] = [event for event in announced if isinstance(event, MessagesArchived)]
    [session] = [event for event in announced if isinstance(event, SessionArchived)]
    assert (stored.messages, stored.size) == (50, Archive.objects.get().size_bytes)
    assert (session.rule, session.messages) == ("hard_limit", 50)


# Failures


def test_without_a_key_nothing_is_archived(grow: Grow, folder: Path, settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = []
    grow("t1", 60)
    before = rows_of("t1")

    with pytest.raises(ArchiveNotConfigured):
        archive_thread("t1")

    assert rows_of("t1") == before
    assert files(folder) == []


def test_while_the_storage_is_away_everything_stays_and_the_run_ends(
    grow: Grow, folder: Path, announced: list[Event]
) -> None:
    grow("t1", 60)
    grow("t2", 60)
    before = rows_of("t1")
    folder.write_text("a file where the folder should be")

    ran = running.run(60)

    assert (ran.stopped_by, ran.messages, ran.failed) == ("unavailable", 0, 1)
    assert rows_of("t1") == before
    assert [event.reason for event in announced if isinstance(event, ArchiveFailed)] == ["unavailable"]
    folder.unlink()
    Thread.objects.update(archive_not_before=None)
    assert running.run(60).messages == 100
    assert Archive.objects.filter(state=Archive.State.STORED).count() == 2


def test_what_is_read_back_wrong_empties_no_row(grow: Grow, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grow("t1", 60)
    before = rows_of("t1")
    monkeypatch.setattr("assistant.archive.storage.read", lambda _: b"another file's bytes")

    with pytest.raises(ArchiveDamaged):
        archive_thread("t1")

    assert rows_of("t1") == before
    assert files(folder) == []
    assert not Archive.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"mirror_state": MirrorState.PENDING},  # a dead letter, or a held one, that is sent after all
        {"archive_id": None, "mirror_state": MirrorState.HELD},
    ],
)
def test_a_row_that_changes_meanwhile_stops_the_archive(
    grow: Grow, folder: Path, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    grow("t1", 60)
    verify = archiving._verify

    def verify_and_be_overtaken(archive: Archive, rows: Any) -> None:
        verify(archive, rows)
        Message.objects.filter(sequence=5).update(**change)

    monkeypatch.setattr(archiving, "_verify", verify_and_be_overtaken)

    with pytest.raises(ArchiveError, match="changed"):
        archive_thread("t1")

    assert "" not in texts_of("t1")
    assert files(folder) == []


def test_who_lost_the_lease_changes_nothing(grow: Grow, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure leases the thread for good, whoever had it."""
    grow("t1", 60)
    verify = archiving._verify

    def verify_and_be_overtaken(archive: Archive, rows: Any) -> None:
        verify(archive, rows)
        Thread.objects.update(lease_fence=10**9, lease_until=timezone.now() + timedelta(days=999))

    monkeypatch.setattr(archiving, "_verify", verify_and_be_overtaken)

    with pytest.raises(ThreadBusy):
        archive_thread("t1")

    assert "" not in texts_of("t1")
    assert files(folder) == []
    assert Thread.objects.get().lease_fence == 10**9
    with pytest.raises(ThreadBusy):
        archive_thread("t1")


def test_a_leased_thread_is_neither_archived_nor_restored(grow: Grow, monkeypatch: pytest.MonkeyPatch) -> None:
    grow("t1", 60)
    archive_thread("t1")
    Thread.objects.update(lease_until=timezone.now() + timedelta(days=1))
    waits: list[float] = []
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=count(0, 100).__next__, sleep=waits.append))

    with pytest.raises(ThreadBusy):
        restoring.restore(Archive.objects.get().pk, "ayse")
    assert set(waits) <= {threads.LOOK_AGAIN_SECONDS}


def test_the_mirror_waits_while_a_thread_is_archived_and_is_told_again(
    grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow("t1", 60)
    verify = archiving._verify

    def verify_and_be_nudged(archive: Archive, rows: Any) -> None:
        verify(archive, rows)
        Thread.objects.update(mirror_due_at=timezone.now() - timedelta(seconds=1))
        assert outbox.take_lease("t1") is None

    monkeypatch.setattr(archiving, "_verify", verify_and_be_nudged)
    told: list[str] = []

    running.run(60, tell_mirror=told.append)

    assert told == ["t1"]
    assert outbox.take_lease("t1") is not None
