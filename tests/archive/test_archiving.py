"""Archiving and restoring over the real database and real files."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.db.models import ProtectedError
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from assistant.archive import archiving, document, left_over, restoring, retention, running, threads
from assistant.archive.archiving import archive_thread
from assistant.archive.due import Rule
from assistant.archive.errors import (
    ArchiveDamaged,
    ArchiveError,
    ArchiveExpired,
    ArchiveKeyMissing,
    ArchiveNotConfigured,
    ArchiveUnavailable,
    ThreadBusy,
    ThreadChanged,
)
from assistant.archive.sealing import Sealed, seal, unseal
from assistant.events import ArchiveFailed, Event, MessagesArchived, SessionArchived
from assistant.memory import outbox
from assistant.models import Archive, AuditEntry, Message, MirrorState, Thread, User
from tests.archive.conftest import Grow, add_messages, files, rows_of, texts_of

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
    grow("t1", 60)

    archive_thread("t1")

    [path] = files(folder)
    assert re.fullmatch(rf"{ayse.memory_id}_t1_[0-9]{{8}}T[0-9]{{12}}Z\.json\.gz\.enc", path.name)
    assert b"question" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Archive.objects.get().sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


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


# Restoring


def test_restoring_gives_back_every_row_as_it_was(grow: Grow, folder: Path) -> None:
    grow("t1", 60)
    before, counters = rows_of("t1"), counters_of("t1")
    archive_thread("t1")

    restored = restoring.restore(Archive.objects.get().pk, "ayse")

    assert restored.messages == 50
    assert rows_of("t1") == before
    assert counters_of("t1") == counters
    assert files(folder) == []
    assert Archive.objects.get().state == Archive.State.RESTORED
    assert AuditEntry.objects.get(action="archive.restore").actor == "ayse"


def counters_of(thread_id: str) -> dict[str, Any]:
    columns = ("hot_messages", "archived_messages", "archived_through", "archived_at", "summary", "last_sequence")
    counters: dict[str, Any] = Thread.objects.values(*columns).get(pk=thread_id)
    return counters


def test_restored_twice_is_restored_once(grow: Grow) -> None:
    grow("t1", 60)
    archive_thread("t1")
    archive = Archive.objects.get().pk
    restoring.restore(archive, "ayse")
    before = rows_of("t1")

    again = restoring.restore(archive, "ayse")

    assert again.already
    assert rows_of("t1") == before
    assert Thread.objects.get().hot_messages == 60


def test_what_was_restored_is_not_archived_again_at_once(grow: Grow) -> None:
    grow("t1", 60)
    archive_thread("t1")

    restoring.restore(Archive.objects.get().pk, "ayse")

    assert threads.due_threads(timezone.now(), 10) == []
    assert threads.due_threads(timezone.now() + restoring.STAYS, 10) == ["t1"]


def test_rows_that_change_while_they_are_restored_stay_as_they_are(grow: Grow, monkeypatch: pytest.MonkeyPatch) -> None:
    grow("t1", 60)
    archive_thread("t1")
    contents = restoring.contents

    def contents_and_be_overtaken(archive: Archive) -> Any:
        held = contents(archive)
        Message.objects.filter(sequence=5).update(archive=None)
        return held

    monkeypatch.setattr(restoring, "contents", contents_and_be_overtaken)

    with pytest.raises(ThreadChanged):
        restoring.restore(Archive.objects.get().pk, "ayse")

    assert texts_of("t1")[:50] == [""] * 50
    assert Archive.objects.get().state == Archive.State.STORED


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
plain = st.none() | st.dictionaries(texts, st.integers(-(2**31), 2**31) | st.booleans() | texts | st.lists(texts))


@given(said=st.lists(st.tuples(texts, plain), min_size=1, max_size=6))
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_was_said_comes_back_the_same(ayse: User, folder: Path, said: list[tuple[str, Any]]) -> None:
    thread_id = f"h{uuid4().hex}"
    add_messages(ayse, thread_id, len(said))
    for sequence, (text, rich) in enumerate(said, start=1):
        Message.objects.filter(thread_id=thread_id, sequence=sequence).update(text=text, rich=rich, memory_trace=rich)
    before = rows_of(thread_id)

    archiving.archive_now(thread_id, "ayse", keep=0)

    assert texts_of(thread_id) == [""] * len(said)
    restoring.restore(Archive.objects.get(thread_id=thread_id).pk, "ayse")
    assert rows_of(thread_id) == before


def resealed(path: Path, change: Callable[[dict[str, Any]], object]) -> bytes:
    fields = json.loads(unseal(Sealed(path.read_bytes(), Archive.objects.get().key_id)))
    change(fields)
    fields["checksum"] = document._checksum(fields["conversation_history"])
    return seal(json.dumps(fields).encode()).content


def other_users_file(path: Path) -> bytes:
    return resealed(path, lambda fields: fields.update(conversation_id="t2"))


def later_version(path: Path) -> bytes:
    return resealed(path, lambda fields: fields.update(format_version=2))


def other_message(path: Path) -> bytes:
    return resealed(path, lambda fields: fields["conversation_history"][0].update(id=10**9))


def one_less(path: Path) -> bytes:
    def drop(fields: dict[str, Any]) -> None:
        fields["conversation_history"].pop()
        fields["message_count"] -= 1

    return resealed(path, drop)


def cut_short(path: Path) -> bytes:
    return path.read_bytes()[:-20]


def flipped(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda _: b"", "checksum is wrong: 0 bytes"),
        (lambda _: b"{}", "checksum is wrong"),
        (cut_short, "checksum is wrong"),
        (flipped, "checksum is wrong"),
        (other_message, "checksum is wrong"),
    ],
)
@pytest.mark.parametrize("knows_the_checksum", [False, True])
def test_a_damaged_file_is_refused_with_the_reason_and_nothing_changes(
    grow: Grow, folder: Path, damage: Callable[[Path], bytes], reason: str, knows_the_checksum: bool
) -> None:
    grow("t1", 60)
    archive_thread("t1")
    [path] = files(folder)
    path.write_bytes(damage(path))
    if knows_the_checksum:  # whoever changed the file has changed the row too
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        Archive.objects.update(sha256=sha256, size_bytes=path.stat().st_size)
    before, counters = rows_of("t1"), counters_of("t1")

    with pytest.raises(ArchiveDamaged, match=None if knows_the_checksum else reason):
        restoring.restore(Archive.objects.get().pk, "ayse")

    assert rows_of("t1") == before
    assert counters_of("t1") == counters
    assert Archive.objects.get().state == Archive.State.STORED


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (other_users_file, "another thread"),
        (later_version, "version 2"),
        (other_message, "not those of the rows"),
        (one_less, "49 messages, not 50"),
    ],
)
def test_a_file_that_is_sound_but_another_is_refused(
    grow: Grow, folder: Path, damage: Callable[[Path], bytes], reason: str
) -> None:
    grow("t1", 60)
    archive_thread("t1")
    [path] = files(folder)
    path.write_bytes(damage(path))
    Archive.objects.update(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size_bytes=path.stat().st_size)
    before = rows_of("t1")

    with pytest.raises(ArchiveDamaged, match=reason):
        restoring.restore(Archive.objects.get().pk, "ayse")

    assert rows_of("t1") == before


def test_a_missing_file_is_refused(grow: Grow, folder: Path) -> None:
    grow("t1", 60)
    archive_thread("t1")
    files(folder)[0].unlink()

    with pytest.raises(ArchiveDamaged, match="missing"):
        restoring.restore(Archive.objects.get().pk, "ayse")


def test_with_the_wrong_key_nothing_changes_and_with_the_old_one_behind_it_all_comes_back(
    grow: Grow, settings: Settings
) -> None:
    grow("t1", 60)
    before = rows_of("t1")
    archive_thread("t1")
    old, new = settings.ARCHIVE_ENCRYPTION_KEY, Fernet.generate_key().decode()
    settings.ARCHIVE_ENCRYPTION_KEY = [new]
    with pytest.raises(ArchiveKeyMissing):
        restoring.restore(Archive.objects.get().pk, "ayse")

    settings.ARCHIVE_ENCRYPTION_KEY = [new, *old]
    restoring.restore(Archive.objects.get().pk, "ayse")

    assert rows_of("t1") == before


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
    monkeypatch.setattr(threads, "LOOK_AGAIN_SECONDS", 5.0)
    monkeypatch.setattr("time.monotonic", iter(range(0, 10_000, 100)).__next__)

    with pytest.raises(ThreadBusy):
        restoring.restore(Archive.objects.get().pk, "ayse")


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


# Retention


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


def test_a_thread_with_archives_cannot_be_deleted_past_them(grow: Grow) -> None:
    """A row that went by itself would leave a file that nobody knows of."""
    grow("t1", 60)
    archive_thread("t1")

    with pytest.raises(ProtectedError):
        Thread.objects.get().delete()
