"""What a power cut may not undo: content is on the disk before it has its name, the name before anybody relies on it.

No test can cut the power; what is looked at is what the system was asked for, and in which order.
"""

import os
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from assistant.archive import marks, storage
from assistant.archive.archiving import archive_thread
from assistant.models import User
from assistant.personal_data import export_files, exports
from tests.archive.conftest import Grow, files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
Asked = list[tuple[str, str, int]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Each `fsync`, with what of and how many bytes that had; each renaming, with the new name."""
    seen: Asked = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(file: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        seen.append(("fsync", path.name, 0 if path.is_dir() else os.fstat(file).st_size))
        fsync(file)

    def noted_replace(old: Path, new: Path) -> None:
        seen.append(("replace", Path(new).name, 0))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    return seen


def test_an_archive_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    grow: Grow, folder: Path, asked: Asked
) -> None:
    grow("t1", 60)
    marks.secure()
    asked.clear()

    archive_thread("t1")

    [path] = files(folder)
    of_it = [each for each in asked if path.name in each[1] or each[1] == folder.name]
    size = path.stat().st_size
    assert of_it == [("fsync", f"{path.name}.part", size), ("replace", path.name, 0), ("fsync", folder.name, 0)]


def test_that_an_archive_was_removed_is_on_the_disk(grow: Grow, folder: Path, asked: Asked) -> None:
    """Otherwise what was erased comes back with the power."""
    grow("t1", 60)
    archive_thread("t1")
    [path] = files(folder)
    asked.clear()

    storage.remove(path.name)

    assert asked == [("fsync", folder.name, 0)]


def test_an_export_is_on_the_disk_before_anybody_may_fetch_it(
    grow: Grow, ayse: User, asked: Asked, settings: Settings, tmp_path: Path
) -> None:
    settings.EXPORT_DIR = tmp_path / "exports"
    grow("t1", 20)
    begun = exports.begin(ayse)

    exports.make(begun.pk)

    [name] = [path.name for path in settings.EXPORT_DIR.iterdir()]
    assert begun.pk in export_files.names()
    size = (settings.EXPORT_DIR / name).stat().st_size
    assert [each[2] for each in asked if each[0] == "fsync" and each[1].startswith(begun.pk)] == [size]
