"""Reading an archive while somebody restores or expires it: its file is missing then, and nothing is damaged."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from assistant.archive import checking, reading, restoring, retention, storage
from assistant.archive.archiving import archive_thread
from assistant.archive.errors import ArchiveDamaged, ArchiveExpired
from assistant.models import Archive, Message
from tests.archive.conftest import Grow, files, texts_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def archived(grow: Grow) -> Archive:
    grow("t1", 60)
    archive_thread("t1")
    return Archive.objects.get()


@pytest.fixture
def before_its_file_is_read(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Let something happen between the reading of an archive's row and that of its file, once."""

    def before_its_file_is_read(happens: Callable[[], object]) -> None:
        read = storage.read

        def read_late(name: str) -> bytes:
            monkeypatch.setattr(storage, "read", read)
            happens()
            return read(name)

        monkeypatch.setattr(storage, "read", read_late)

    return before_its_file_is_read


def expire() -> None:
    assert list(retention.expire(timezone.now() + timedelta(days=9), "retention", days=1))


def test_texts_that_were_restored_meanwhile_are_taken_from_their_rows(
    archived: Archive, before_its_file_is_read: Meanwhile
) -> None:
    rows = list(Message.objects.order_by("sequence"))
    before_its_file_is_read(lambda: restoring.restore(archived.pk, "ayse"))

    reading.fill_in(*rows)

    assert [row.text for row in rows] == texts_of("t1")
    assert "" not in texts_of("t1")


def test_texts_that_expired_meanwhile_are_gone_and_not_damaged(
    archived: Archive, before_its_file_is_read: Meanwhile
) -> None:
    before_its_file_is_read(expire)

    with pytest.raises(ArchiveExpired):
        reading.fill_in(Message.objects.get(sequence=1))


def test_an_archive_that_is_restored_while_it_is_verified_is_not_called_damaged(
    archived: Archive, before_its_file_is_read: Meanwhile
) -> None:
    before_its_file_is_read(lambda: restoring.restore(archived.pk, "ayse"))

    assert checking.verify(archived) == 0


@pytest.mark.parametrize("damaged", [True, False])
def test_a_file_that_is_missing_or_damaged_is_refused_all_the_same(
    archived: Archive, folder: Path, *, damaged: bool
) -> None:
    [path] = files(folder)
    path.write_bytes(b"damaged") if damaged else path.unlink()

    with pytest.raises(ArchiveDamaged):
        reading.fill_in(Message.objects.get(sequence=1))
    with pytest.raises(ArchiveDamaged):
        checking.verify(archived)
