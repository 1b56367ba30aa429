"""Archives whose time is over, and files that were to go, over the real database and real files."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db.models import ProtectedError
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import left_over, restoring, retention
from assistant.archive.archiving import archive_thread
from assistant.archive.errors import (
    ArchiveExpired,
    ArchiveUnavailable,
)
from assistant.models import Archive, AuditEntry, Message, Thread
from tests.archive.conftest import Grow, files

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


def test_a_thread_with_archives_cannot_be_deleted_past_them(grow: Grow) -> None:
    """A row that went by itself would leave a file that nobody knows of."""
    grow("t1", 60)
    archive_thread("t1")

    with pytest.raises(ProtectedError):
        Thread.objects.get().delete()
