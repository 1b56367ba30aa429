"""After a key was changed: archives that the old one sealed get the new one, and nothing is lost on the way."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import checking, left_over, reading, resealing, restoring, retention, storage, threads
from assistant.archive.archiving import archive_now, archive_thread
from assistant.archive.errors import (
    ArchiveDamaged,
    ArchiveKeyMissing,
    ArchiveNotConfigured,
    ArchiveUnavailable,
    ThreadBusy,
    ThreadChanged,
)
from assistant.archive.sealing import key_id, writing_key_id
from assistant.events import ArchiveResealed, Event
from assistant.memory.outbox import Lease
from assistant.models import Archive, AuditEntry, Message, Thread
from tests.archive.conftest import Grow, files, rows_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def said(grow: Grow) -> list[Any]:
    """An archived thread; its rows as they were before."""
    grow("t1", 60)
    before = rows_of("t1")
    archive_thread("t1")
    return before


@pytest.fixture
def new_key(settings: Settings, said: list[Any]) -> str:
    """A key in front of the one that the archive was sealed with."""
    key = Fernet.generate_key().decode()
    settings.ARCHIVE_ENCRYPTION_KEY = [key, *settings.ARCHIVE_ENCRYPTION_KEY]
    return key


def texts(thread_id: str = "t1") -> list[str]:
    rows = list(Message.objects.filter(thread_id=thread_id).order_by("sequence"))
    reading.fill_in(*rows)
    return [row.text for row in rows]


def reseal(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code, and the lines it printed."""
    out, code = io.StringIO(), 0
    try:
        call_command("archive", "reseal", *arguments, "--json", stdout=out, stderr=io.StringIO())
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_new_key_gives_no_new_time(said: list[Any], new_key: str) -> None:
    since = timezone.now() - timedelta(days=9)
    Archive.objects.update(retained_since=since)

    assert list(resealing.reseal_all("ayse")) == [resealing.Resealed(Archive.objects.get().pk)]

    assert Archive.objects.get().retained_since == since


def test_afterwards_the_old_key_can_be_dropped(
    said: list[Any], new_key: str, folder: Path, settings: Settings, announced: list[Event]
) -> None:
    before = Archive.objects.get()

    assert list(resealing.reseal_all("ayse")) == [resealing.Resealed(before.pk)]

    settings.ARCHIVE_ENCRYPTION_KEY = [new_key]
    after = Archive.objects.get()
    assert (after.pk, after.state, after.key_id) == (before.pk, Archive.State.STORED, key_id(new_key))
    assert after.name != before.name
    assert after.created_at == before.created_at
    assert [path.name for path in files(folder)] == [after.name]
    assert checking.verify(after) == 50
    details = {"archive": after.pk, "thread_id": "t1", "from": before.key_id, "to": after.key_id}
    assert AuditEntry.objects.get(action="archive.reseal").details == details
    assert ArchiveResealed("t1", 50) in announced
    restoring.restore(after.pk, "ayse")
    assert rows_of("t1") == said


def test_done_twice_it_is_done_once(said: list[Any], new_key: str) -> None:
    list(resealing.reseal_all("ayse"))
    name = Archive.objects.get().name

    assert list(resealing.reseal_all("ayse")) == []
    assert not resealing.reseal(Archive.objects.get().pk, "ayse")

    assert Archive.objects.get().name == name
    assert Thread.objects.get().lease_until is None


def test_what_was_not_encrypted_is_once_encryption_is_on(grow: Grow, folder: Path, settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION = False
    grow("t1", 60)
    archive_thread("t1")
    said = texts()
    settings.ARCHIVE_ENCRYPTION = True

    assert len(list(resealing.reseal_all("ayse"))) == 1

    [path] = files(folder)
    assert path.name.endswith(".json.gz.enc")
    assert Archive.objects.get().key_id == writing_key_id()
    assert texts() == said


@pytest.mark.parametrize("missing", ["encryption", "key"])
def test_nothing_is_opened_for_good_where_there_is_no_key_to_seal_with(
    said: list[Any], settings: Settings, folder: Path, missing: str
) -> None:
    before = files(folder)
    if missing == "encryption":
        settings.ARCHIVE_ENCRYPTION = False
    else:
        settings.ARCHIVE_ENCRYPTION_KEY = []

    with pytest.raises(ArchiveNotConfigured):
        list(resealing.reseal_all("ayse"))

    assert files(folder) == before


# Failures: the archive is as it was


def test_without_its_own_key_it_is_refused(said: list[Any], new_key: str, settings: Settings, folder: Path) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = [new_key]
    before = Archive.objects.values().get()

    [refused] = resealing.reseal_all("ayse")

    assert isinstance(refused.refused, ArchiveKeyMissing)
    assert Archive.objects.values().get() == before
    assert len(files(folder)) == 1


def test_a_damaged_one_is_refused_and_the_others_go_on(
    said: list[Any], grow: Grow, new_key: str, settings: Settings, folder: Path
) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = settings.ARCHIVE_ENCRYPTION_KEY[1:]
    grow("t2", 60)
    archive_thread("t2")
    settings.ARCHIVE_ENCRYPTION_KEY = [new_key, *settings.ARCHIVE_ENCRYPTION_KEY]
    first, second = Archive.objects.order_by("pk")
    (folder / first.name).write_bytes(b"damaged")

    outcomes = list(resealing.reseal_all("ayse"))

    assert [outcome.archive for outcome in outcomes] == [first.pk, second.pk]
    assert isinstance(outcomes[0].refused, ArchiveDamaged)
    assert outcomes[1].refused is None
    assert Archive.objects.get(pk=first.pk).key_id == first.key_id


def garbled(name: str, content: bytes) -> None:
    STORE(name, content[:-1])


def away(name: str, content: bytes) -> None:
    raise ArchiveUnavailable("away")


STORE = storage.write


@pytest.mark.parametrize("write", [garbled, away])
def test_what_is_not_written_right_replaces_nothing(
    said: list[Any],
    new_key: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[str, bytes], None],
) -> None:
    before, held = Archive.objects.values().get(), texts()
    with monkeypatch.context() as broken:
        broken.setattr(storage, "write", write)
        with pytest.raises((ArchiveDamaged, ArchiveUnavailable)):
            resealing.reseal(before["id"], "ayse")

    assert Archive.objects.values().get() == before
    assert [path.name for path in files(folder)] == [before["name"]]
    assert texts() == held
    assert Thread.objects.get().lease_until is None


def test_an_old_file_that_could_not_be_removed_is_removed_by_the_sweep(
    said: list[Any], new_key: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stays(_: str) -> None:
        raise ArchiveUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(storage, "remove", stays)
        assert [each.refused for each in resealing.reseal_all("ayse")] == [None]
    assert len(files(folder)) == 2

    left_over.sweep(timezone.now() + left_over.OF_A_KILLED_RUN_AFTER)

    assert [path.name for path in files(folder)] == [Archive.objects.get().name]


# Races


@pytest.fixture
def once_the_new_file_is_right(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen just before the new file takes the old one's place."""

    def once_the_new_file_is_right(happens: Callable[[], object]) -> None:
        verify = resealing._verify

        def verify_and_be_overtaken(new: Archive, document: bytes) -> None:
            verify(new, document)
            happens()

        monkeypatch.setattr(resealing, "_verify", verify_and_be_overtaken)

    return once_the_new_file_is_right


def expire() -> None:
    assert list(retention.expire(timezone.now() + timedelta(days=9), "retention", days=1))


def test_one_that_expires_meanwhile_is_gone_with_both_files(
    said: list[Any],
    new_key: str,
    folder: Path,
    once_the_new_file_is_right: Callable[[Callable[[], object]], None],
) -> None:
    once_the_new_file_is_right(expire)

    with pytest.raises(ThreadChanged):
        resealing.reseal(Archive.objects.get().pk, "ayse")

    assert Archive.objects.get().state == Archive.State.EXPIRED
    assert files(folder) == []


def test_one_that_was_sealed_anew_while_it_was_about_to_expire_leaves_no_file(
    said: list[Any], new_key: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up = retention._give_up_held

    def sealed_anew_meanwhile(archive: Archive, now: Any) -> None:
        monkeypatch.setattr(retention, "_give_up_held", give_up)
        assert resealing.reseal(archive.pk, "ayse")
        give_up(archive, now)

    monkeypatch.setattr(retention, "_give_up_held", sealed_anew_meanwhile)
    expire()

    assert files(folder) == []
    assert Archive.objects.get().file_removed_at is not None


def test_who_lost_the_lease_replaces_nothing(
    said: list[Any],
    new_key: str,
    folder: Path,
    once_the_new_file_is_right: Callable[[Callable[[], object]], None],
) -> None:
    """An erasure leases the thread for good, whoever had it."""
    before = Archive.objects.get()
    for_good = {"lease_fence": 10**9, "lease_until": timezone.now() + timedelta(days=999)}
    once_the_new_file_is_right(lambda: Thread.objects.update(**for_good))

    with pytest.raises(ThreadBusy):
        resealing.reseal(before.pk, "ayse")

    assert Archive.objects.get().name == before.name
    assert [path.name for path in files(folder)] == [before.name]
    assert Thread.objects.get().lease_fence == 10**9


def test_a_busy_thread_is_waited_for_once_however_many_archives_it_has(
    said: list[Any], grow: Grow, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """An erasure may hold it for days: while Zep or the storage is away."""
    for keep in (8, 4, 0):
        archive_now("t1", "op", keep=keep)
    grow("t2", 60)
    archive_thread("t2")
    settings.ARCHIVE_ENCRYPTION_KEY = [Fernet.generate_key().decode(), *settings.ARCHIVE_ENCRYPTION_KEY]
    Thread.objects.filter(pk="t1").update(lease_until=timezone.now() + timedelta(days=999))
    waits: list[float] = []

    def take_at_once(thread_id: str, seconds: float) -> tuple[Lease, Thread]:
        waits.append(seconds)
        return threads.take(thread_id)

    monkeypatch.setattr(threads, "take_patiently", take_at_once)

    done = list(resealing.reseal_all("ayse"))

    assert [type(each.refused) for each in done] == [ThreadBusy] * 4 + [type(None)]
    assert waits == [resealing.PATIENCE, 0.0, 0.0, 0.0, resealing.PATIENCE]


def test_a_text_that_is_read_meanwhile_is_read_from_the_new_file(
    said: list[Any], new_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = storage.read

    def read_late(name: str) -> bytes:
        monkeypatch.setattr(storage, "read", read)
        list(resealing.reseal_all("ayse"))
        return read(name)

    monkeypatch.setattr(storage, "read", read_late)

    assert texts() == [row["text"] for row in said]


# The command


def test_a_dry_run_says_what_it_would_do_and_does_nothing(said: list[Any], new_key: str, folder: Path) -> None:
    before = Archive.objects.get()

    code, [line] = reseal("--dry-run")

    assert (code, line["archive"], line["key_id"]) == (0, before.pk, before.key_id)
    assert [path.name for path in files(folder)] == [before.name]


def test_the_command_says_how_it_goes_and_what_is_left(
    said: list[Any], grow: Grow, new_key: str, settings: Settings
) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = settings.ARCHIVE_ENCRYPTION_KEY[1:]
    for name in ("t2", "t3"):
        grow(name, 60)
        archive_thread(name)
    settings.ARCHIVE_ENCRYPTION_KEY = [new_key, *settings.ARCHIVE_ENCRYPTION_KEY]
    first, second, third = Archive.objects.order_by("pk").values_list("pk", flat=True)

    assert reseal("--limit", "1") == (0, [{"archive": first, "resealed": True}, {"resealed": 1, "left": 2}])
    assert reseal("--thread", "t3") == (0, [{"archive": third, "resealed": True}, {"resealed": 1, "left": 0}])
    assert reseal(str(second), "--operator", "zeki")[1][-1] == {"resealed": 1, "left": 0}
    assert reseal() == (0, [{"resealed": 0, "left": 0}])
    assert reseal("--dry-run") == (0, [{"would_reseal": 0}])
    assert AuditEntry.objects.filter(action="archive.reseal", actor="zeki").count() == 1


def test_the_command_refuses_what_it_cannot_do(
    said: list[Any], new_key: str, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = str(Archive.objects.get().pk)
    assert reseal("2000000000")[0] == 1
    files(folder)[0].write_bytes(b"damaged")

    code, lines = reseal(number)

    assert (code, lines[0]["refused"], lines[-1]) == (1, "damaged", {"resealed": 0, "left": 1})
    settings.ARCHIVE_ENCRYPTION = False
    assert reseal() == (1, [])
