"""A storage that is not the one archives were put into: nothing is written there, and nothing counts as gone."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import checking, left_over, marks, reading, restoring, retention, running, storage
from assistant.archive.archiving import archive_thread
from assistant.archive.errors import ArchiveDamaged, ArchiveUnavailable
from assistant.doctor import archives
from assistant.doctor.findings import RUNBOOK, Status
from assistant.events import ArchiveFailed, Event
from assistant.models import Archive, AuditEntry, Erasure, Message, StorageMark, User
from assistant.personal_data import erasure, portrait, progress
from tests.archive.conftest import Grow, files, rows_of
from tests.personal_data.conftest import finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture(autouse=True)
def ledger(settings: Settings, tmp_path: Path) -> None:
    settings.ERASURE_LEDGER, settings.EXPORT_DIR = tmp_path / "erasures.jsonl", tmp_path / "exports"


@pytest.fixture
def archived(grow: Grow) -> Archive:
    grow("t1", 60)
    archive_thread("t1")
    return Archive.objects.get()


class Mount:
    """The folder, which can be away: then an empty one is in its place."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._away = folder, folder.with_name("unmounted")

    def goes(self) -> None:
        self._folder.rename(self._away)
        self._folder.mkdir()

    def comes_back(self) -> None:
        assert list(self._folder.iterdir()) == [], "nothing may have been put below it"
        self._folder.rmdir()
        self._away.rename(self._folder)


@pytest.fixture
def mount(folder: Path) -> Mount:
    return Mount(folder)


def from_before_marks(folder: Path) -> None:
    StorageMark.objects.all().delete()
    for path in folder.iterdir():
        if marks.is_mark(path.name):
            path.unlink()


def test_an_erasure_waits_until_the_folder_is_mounted_again(
    archived: Archive, ayse: User, folder: Path, mount: Mount
) -> None:
    mount.goes()
    asked = finish(erasure.request(ayse, "op"), rounds=3)

    assert (asked.state, asked.failure) == (Erasure.State.REQUESTED, "remove_archive_files: unavailable")
    assert Archive.objects.exists()
    assert not Message.objects.exists(), "the rest goes meanwhile"
    mount.comes_back()
    assert finish(asked).state == Erasure.State.COMPLETED
    assert files(folder) == []


def test_an_erasure_whose_last_look_finds_the_folder_away_waits_too(
    archived: Archive, ayse: User, folder: Path, mount: Mount
) -> None:
    orphan = folder / f"{ayse.memory_id}_t0_20200101T000000000000Z.json.gz"
    orphan.write_bytes(b"kanarya, which no row tells of")
    asked = erasure.request(ayse, "op")
    progress.carry_out(asked.pk)
    mount.goes()
    time_passes()
    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert (asked.state, asked.failure) == (Erasure.State.SETTLING, "remove_archive_files: unavailable")
    mount.comes_back()
    time_passes()
    assert finish(asked).state == Erasure.State.COMPLETED
    assert files(folder) == []


def test_a_folder_that_goes_while_a_file_is_removed_is_noticed(
    archived: Archive, folder: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = storage.LocalFolder.delete

    def goes_and_delete(self: storage.LocalFolder, name: str) -> None:
        mount.goes()
        delete(self, name)

    monkeypatch.setattr(storage.LocalFolder, "delete", goes_and_delete)
    with pytest.raises(ArchiveUnavailable):
        storage.remove(archived.name)


def test_nothing_counts_as_gone_or_damaged_meanwhile(archived: Archive, folder: Path, mount: Mount) -> None:
    before = rows_of("t1")
    mount.goes()

    with pytest.raises(ArchiveUnavailable, match="not the storage"):
        reading.opened(archived)
    with pytest.raises(ArchiveUnavailable):
        restoring.restore(archived.pk, "op")
    with pytest.raises(ArchiveUnavailable):
        storage.names()
    with pytest.raises(ArchiveUnavailable):
        checking.strays(timezone.now())
    assert rows_of("t1") == before

    list(retention.expire(timezone.now() + timedelta(days=9), "op", days=1))
    assert Archive.objects.get().file_removed_at is None
    mount.comes_back()
    left_over.sweep(timezone.now())
    assert Archive.objects.get().file_removed_at is not None
    assert files(folder) == []


def test_nothing_is_archived_meanwhile_and_each_run_says_so(
    archived: Archive, grow: Grow, mount: Mount, announced: list[Event]
) -> None:
    grow("t2", 60)
    before = rows_of("t2")
    mount.goes()

    assert running.run(60).stopped_by == "unavailable"
    with pytest.raises(ArchiveUnavailable):
        archive_thread("t2")

    assert rows_of("t2") == before
    assert announced.count(ArchiveFailed("", "unavailable")) == 1
    mount.comes_back()
    Archive.objects.filter(thread_id="t2").delete()
    assert running.run(60).stopped_by == ""


def test_with_nothing_due_a_run_says_it_too(archived: Archive, mount: Mount, announced: list[Event]) -> None:
    mount.goes()

    running.run(60)

    assert ArchiveFailed("", "unavailable") in announced


def test_an_export_says_that_the_storage_was_away(archived: Archive, ayse: User, mount: Mount) -> None:
    mount.goes()
    out = io.BytesIO()

    portrait.write(ayse, out, zep_seconds=5)

    with zipfile.ZipFile(out) as packed:
        told = json.loads(packed.read("manifest.json"))["archives"]
    assert (told["complete"], [each["reason"] for each in told["unreadable"]]) == (False, ["unavailable"])


def test_a_new_installation_is_marked_by_its_first_run(folder: Path) -> None:
    assert storage.names() == []
    assert not folder.exists()

    running.run(60)

    assert [marks.is_mark(path.name) for path in folder.iterdir()] == [True]
    assert storage.names() == []
    assert marks.look().is_marked


def test_a_storage_from_before_marks_is_known_by_its_files_and_marked(
    archived: Archive, ayse: User, folder: Path, mount: Mount
) -> None:
    from_before_marks(folder)
    mount.goes()
    asked = finish(erasure.request(ayse, "op"), rounds=2)
    assert asked.failure == "remove_archive_files: unavailable"
    mount.comes_back()

    assert finish(asked).state == Erasure.State.COMPLETED
    assert files(folder) == []
    assert marks.look().is_marked


def test_who_may_only_read_does_so_where_there_is_no_mark_yet(archived: Archive, folder: Path) -> None:
    from_before_marks(folder)
    archived.name = "another"

    with pytest.raises(ArchiveDamaged, match="missing"):
        storage.read("another")

    assert storage.names() == [Archive.objects.get().name]
    assert not StorageMark.objects.exists()
    assert len(list(folder.iterdir())) == 1


def test_the_mark_of_another_installation_is_not_ours(archived: Archive, folder: Path, mount: Mount) -> None:
    mount.goes()
    (folder / f"{marks.PREFIX}{uuid4()}").write_bytes(marks.SAYS)

    with pytest.raises(ArchiveUnavailable):
        storage.remove(archived.name)


def test_a_single_file_that_is_lost_is_no_reason_to_wait(archived: Archive, ayse: User, folder: Path) -> None:
    (folder / archived.name).unlink()

    with pytest.raises(ArchiveDamaged):
        reading.opened(archived)
    assert finish(erasure.request(ayse, "op")).state == Erasure.State.COMPLETED


def test_after_a_loss_an_operator_says_that_it_is_the_right_one(archived: Archive, ayse: User, mount: Mount) -> None:
    mount.goes()
    asked = finish(erasure.request(ayse, "op"), rounds=2)
    assert "was_right=False  files_named=1  of_the_newest=1  found=0" in command("adopt", "--dry-run")
    assert not AuditEntry.objects.filter(action="archive.adopt").exists()

    command("adopt", "--operator", "op")

    [entry] = AuditEntry.objects.filter(action="archive.adopt")
    assert entry.details == {"was_right": False, "files_named": 1, "newest_found": 0}
    assert finish(asked).state == Erasure.State.COMPLETED
    command("adopt")
    assert AuditEntry.objects.filter(action="archive.adopt").count() == 1


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("archive", *arguments, stdout=out)
    return out.getvalue()


def test_the_doctor_says_so_and_puts_nothing_there(archived: Archive, folder: Path, mount: Mount) -> None:
    mount.goes()

    finding = archives.look()[0]

    assert finding.status is Status.FAILED
    assert "its mark is missing" in finding.found
    assert RUNBOOK in finding.do
    mount.comes_back()
    assert archives.look()[0].status is Status.OK


@pytest.fixture
def closing() -> Iterator[None]:
    yield
    connections.close_all()


@pytest.mark.usefixtures("closing")
def test_threads_of_workers_that_use_a_new_storage_at_once_agree_on_one_mark(folder: Path) -> None:
    together = threading.Barrier(6)

    def first_use() -> None:
        together.wait(timeout=60)
        try:
            marks.secure()
            marks.check()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as workers:
        for used in [workers.submit(first_use) for _ in range(6)]:
            used.result()

    assert StorageMark.objects.count() == 1
    assert len(list(folder.iterdir())) == 1
