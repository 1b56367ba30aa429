"""Restoring over the real database and real files: exact, once, or refused with nothing changed."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from assistant.archive import archiving, document, restoring, threads
from assistant.archive.archiving import archive_thread
from assistant.archive.errors import (
    ArchiveDamaged,
    ArchiveKeyMissing,
    ThreadChanged,
)
from assistant.archive.sealing import Sealed, seal, unseal
from assistant.models import Archive, AuditEntry, Message, Thread, User
from tests.archive.conftest import Grow, add_messages, files, rows_of, texts_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


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
@hypothesis_settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
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
