"""Erasing and exporting what was archived: files go with their threads, whoever is writing one; exports hold it all."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from pytest_django.fixtures import Settings

from assistant import conversation, opaque
from assistant.archive import archiving, resealing, storage, threads
from assistant.archive.errors import ArchiveError, ArchiveUnavailable, ThreadBusy
from assistant.conversation import ThreadRef
from assistant.memory import mirror, outbox
from assistant.models import Archive, Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, portrait, progress
from assistant.personal_data.choices import choose_memory
from assistant.replies.summary import to_values
from assistant.replies.values import Summary
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture(autouse=True)
def no_files_of_others() -> None:
    for name in storage.names():
        storage.remove(name)


@pytest.fixture
def archived(say: Say) -> str:
    """A thread whose older messages are in a file."""
    for number in range(14):
        say(f"kanarya {number}")
    mirror.drain("t1")
    archiving.archive_now("t1", "op", keep=2)
    assert storage.names()
    return "t1"


def exported(user: User) -> dict[str, Any]:
    out = io.BytesIO()
    portrait.write(user, out, zep_seconds=5)
    with zipfile.ZipFile(out) as packed:
        return {name: json.loads(packed.read(name)) for name in packed.namelist()}


def test_archives_go_with_the_person(archived: str, ayse: User) -> None:
    done = finish(erasure.request(ayse, "op"))

    assert done.state == Erasure.State.COMPLETED
    assert (done.counts["archives"], done.counts["messages"]) == (1, 14)
    assert storage.names() == []
    assert not Archive.objects.exists()


def test_archives_go_with_their_thread_and_others_stay(archived: str, ayse: User, say: Say, standin: StandIn) -> None:
    for number in range(6):
        say(f"stays {number}", "t2")
    mirror.drain("t2")
    archiving.archive_now("t2", "op", keep=2)

    finish(erasure.request_thread(ayse, archived, "op"))

    assert [archive.thread_id for archive in Archive.objects.all()] == ["t2"]
    assert storage.names() == []  # what stays is back in its rows, to be told to Zep anew
    mirror.drain("t2")
    assert {message.mirror_state for message in Message.objects.all()} == {MirrorState.MIRRORED}
    assert standin.thread("t2").contents == [f"stays {number}" for number in range(6)]


def test_files_that_no_row_tells_of_are_found_by_their_names(archived: str, ayse: User) -> None:
    orphan = f"{ayse.memory_id}_{archived}_20200101T000000000000Z.json.gz"
    stranger = "00000000-0000-0000-0000-000000000000_t1x_20200101T000000000000Z.json.gz"
    storage.write(orphan, b"kanarya")
    storage.write(stranger, b"somebody else")

    finish(erasure.request(ayse, "op"))

    assert storage.names() == [stranger]
    storage.remove(stranger)


def test_files_called_after_an_earlier_id_are_found_too(archived: str, ayse: User, say: Say) -> None:
    """One of the person's threads was erased before, which gave them another id; a restored folder has old names."""
    earlier = ayse.memory_id
    say("goes", "t2")
    finish(erasure.request_thread(ayse, "t2", "op"))
    storage.write(f"{earlier}_{archived}_20200101T000000000000Z.json.gz", b"kanarya")

    finish(erasure.request(User.objects.get(pk=ayse.pk), "op"))

    assert storage.names() == []


def test_a_threads_erasure_leaves_the_files_of_threads_whose_names_begin_like_its_own(
    archived: str, ayse: User
) -> None:
    longer = f"{ayse.memory_id}_{archived}_b_20200101T000000000000Z.json.gz"
    storage.write(longer, b"somebody else")
    storage.write(f"{ayse.memory_id}_{archived}_20200101T000000000000Z.json.gz", b"kanarya")

    finish(erasure.request_thread(ayse, archived, "op"))

    assert storage.names() == [longer]
    storage.remove(longer)


@pytest.mark.parametrize(
    "since", ["today", "before the key was changed", "before a key that is gone", "before names were opaque"]
)
def test_a_threads_erasure_finds_files_that_no_row_tells_of(
    archived: str, ayse: User, settings: Settings, since: str
) -> None:
    called = archived if since == "before names were opaque" else opaque.name_of(archived)
    storage.write(f"{ayse.memory_id}_{called}_20200101T000000000000Z.json.gz", b"kanarya")
    if since in ("before the key was changed", "before a key that is gone"):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if since == "before the key was changed" else []
        settings.SECRET_KEY = "another"

    finish(erasure.request_thread(ayse, archived, "op"))

    assert storage.names() == []


@pytest.fixture
def asked_while_writing(ayse: User, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Erasure]:
    """The erasure is asked for, and carried out a first time, while a file is being written; says which it is."""
    write = storage.write
    begun: list[Erasure] = []

    def slow_write(name: str, content: bytes) -> None:
        begun.append(erasure.request(ayse, "op"))
        progress.carry_out(begun[0].pk)
        write(name, content)

    def asked() -> Erasure:
        begun[0].refresh_from_db()
        return begun[0]

    monkeypatch.setattr(storage, "write", slow_write)
    return asked


def an_archivers_lease() -> float:
    """Less a minute, for which the machine may stand still. A mirror's lease is far shorter."""
    assert threads.LEASE > 2 * outbox.LEASE
    return threads.LEASE.total_seconds() - 60


def waits_seconds(asked: Erasure) -> float:
    assert asked.due_at is not None
    return (asked.due_at - asked.requested_at).total_seconds()


def test_an_archiver_that_is_at_work_is_stopped_and_leaves_no_file(
    say: Say, asked_while_writing: Callable[[], Erasure]
) -> None:
    for number in range(14):
        say(f"kanarya {number}")
    mirror.drain("t1")
    with pytest.raises((ArchiveError, ThreadBusy)):
        archiving.archive_now("t1", "op", keep=2)
    asked = asked_while_writing()
    assert waits_seconds(asked) > an_archivers_lease()

    finish(asked)

    assert storage.names() == []
    assert not Archive.objects.exists()
    assert not Message.objects.exists()


def test_who_seals_an_archive_anew_is_stopped_and_leaves_no_file(
    archived: str, asked_while_writing: Callable[[], Erasure], settings: Settings
) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = [Fernet.generate_key().decode(), *settings.ARCHIVE_ENCRYPTION_KEY]
    with pytest.raises(ThreadBusy):
        resealing.reseal(Archive.objects.get().pk, "op")
    asked = asked_while_writing()
    assert waits_seconds(asked) > an_archivers_lease()

    finish(asked)

    assert storage.names() == []
    assert not Archive.objects.exists()


def test_a_file_of_a_killed_archiver_goes_too(say: Say, ayse: User) -> None:
    say("kanarya")
    row = {"first_sequence": 1, "last_sequence": 1, "message_count": 1, "format_version": 1, "rule": "age"}
    name = f"{ayse.memory_id}_t1_20260101T000000000000Z.json.gz"
    Archive.objects.create(thread=Thread.objects.get(), name=name, **row)
    storage.write(name, b"half of it")

    finish(erasure.request(ayse, "op"))

    assert storage.names() == []


def test_a_storage_that_is_away_keeps_nothing_else_and_is_tried_again(
    archived: str, ayse: User, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = erasure.request(ayse, "op")
    with monkeypatch.context() as broken:

        def is_away(name: str) -> None:
            raise ArchiveUnavailable("away")

        for what in ("remove", "exists"):
            broken.setattr(storage, what, is_away)
        progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert (asked.state, asked.failure) == (Erasure.State.REQUESTED, "remove_archive_files: unavailable")
    assert standin.threads() == []
    assert not Message.objects.exists()
    time_passes()
    assert finish(asked).state == Erasure.State.COMPLETED
    assert storage.names() == []


def test_an_export_holds_what_archives_hold(archived: str, ayse: User) -> None:
    files = exported(ayse)

    assert [row["text"] for row in files["messages.json"]] == [f"kanarya {number}" for number in range(14)]
    assert files["manifest.json"]["archives"] == {"complete": True}
    assert [row["thread_id"] for row in files["archives.json"]] == ["t1"]


def test_the_manifest_says_when_an_archive_could_not_be_read(archived: str, ayse: User) -> None:
    storage.remove(storage.names()[0])

    files = exported(ayse)

    told = files["manifest.json"]["archives"]
    assert (told["complete"], told["reason"]) == (False, "damaged")
    assert [(each["thread_id"], each["first_sequence"], each["last_sequence"]) for each in told["unreadable"]] == [
        ("t1", 1, 12)
    ]
    assert len(files["messages.json"]) == 14


def test_a_storage_that_does_not_answer_is_asked_once(
    archived: str, ayse: User, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        say(f"more {number}", "t2")
    mirror.drain("t2")
    archiving.archive_now("t2", "op", keep=2)
    asked: list[str] = []

    def away(name: str) -> bytes:
        asked.append(name)
        raise ArchiveUnavailable("the storage failed: TimeoutError")

    monkeypatch.setattr(storage, "read", away)
    files = exported(ayse)

    told = files["manifest.json"]["archives"]
    assert len(asked) == 1
    assert [(each["thread_id"], each["reason"]) for each in told["unreadable"]] == [
        ("t1", "unavailable"),
        ("t2", "unavailable"),
    ]
    assert len(files["messages.json"]) == 20


def test_what_was_said_while_opted_out_is_archived_and_in_no_summary(say: Say, ayse: User) -> None:
    choose_memory(ayse, memory_on=False)
    for number in range(14):
        say(f"I want to rent a 2 bedroom in Girne for 612 pounds, {number}")

    archiving.archive_now("t1", "op", keep=2)

    thread = Thread.objects.get()
    assert thread.archived_messages == 12
    assert "612" not in json.dumps(thread.summary)
    assert "612" in json.dumps(exported(ayse)["messages.json"])


def test_what_zep_concluded_of_archived_messages_is_not_read_while_memory_is_off(say: Say, ayse: User) -> None:
    say("hello")
    Thread.objects.update(summary=to_values(Summary(last_agent="general", prose="They have a budget of 612 pounds.")))

    def earlier() -> Summary | None:
        return conversation.record(ThreadRef(ayse, "t1"), "and now?", uuid4()).earlier

    choose_memory(ayse, memory_on=False)
    ayse.refresh_from_db()
    assert earlier() == Summary(last_agent="general")
    choose_memory(ayse, memory_on=True)
    ayse.refresh_from_db()
    assert "612" in str(earlier())
