"""What lies on the disk of an export: nothing that can be read without the keys, and nothing damaged is given out."""

import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import sealed_stream
from assistant.archive.errors import ArchiveNotConfigured
from assistant.archive.sealed_stream import HEAD, PIECE, WHOLE_TOKEN
from assistant.events import Event
from assistant.models import Export, User
from assistant.personal_data import export_files, exports, portrait
from assistant.personal_data.events import ExportEnded
from assistant.personal_data.export_files import Out
from assistant.personal_data.exports import ExportUnreadable
from tests.personal_data.conftest import Say, fetched, read_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
ZIP_BEGINS = b"PK\x03\x04"


@pytest.fixture
def ready(say: Say, ayse: User) -> Export:
    """An export of some pieces that lies ready."""
    say("kanarya")
    return made(ayse)


def made(user: User) -> Export:
    export = exports.begin(user)
    exports.make(export.pk)
    export.refresh_from_db()
    return export


def files() -> list[Path]:
    return sorted(django_settings.EXPORT_DIR.glob("*"))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exported are four pieces, and one that is not whole."""

    def write(user: User, out: Out, **_: object) -> None:
        for number in range(4):
            out.write(bytes([number]) * PIECE)
        out.write(b"end")

    monkeypatch.setattr(portrait, "write", write)


def test_neither_the_finished_file_nor_the_half_made_one_is_a_zip(
    say: Say, ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("kanarya" * 1_000)
    seen: list[bytes] = []
    write = portrait.write

    def looked_at(user: User, out: Out, **how: Any) -> None:
        write(user, out, **how)
        seen.extend(path.read_bytes() for path in files())

    monkeypatch.setattr(portrait, "write", looked_at)
    export = made(ayse)
    seen.extend(path.read_bytes() for path in files())

    assert [path.name for path in files()] == [f"{export.pk}.zip.enc"]
    assert len(seen) == 2
    assert not any(ZIP_BEGINS in content or b"messages.json" in content for content in seen)
    assert fetched(export.pk).startswith(ZIP_BEGINS)


def test_what_goes_out_at_once_is_on_no_disk_in_the_clear(
    ayse: User, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without a name is one all the same: the disk keeps its blocks until they are written over."""
    kept: list[bytes] = []
    opener = sealed_stream.Opener

    def looked_at(file: Any, *more: Any) -> Any:
        file.seek(0)
        kept.append(file.read())
        return opener(file, *more)

    monkeypatch.setattr(export_files, "Opener", looked_at)
    gone_out = read_all(exports.made_at_once(ayse))

    assert gone_out.endswith(b"\3" * PIECE + b"end")
    assert b"\3" * 100 not in kept[0]
    assert files() == []


def test_a_key_is_changed_as_that_of_archives_is(ready: Export, settings: Settings) -> None:
    old, new = settings.ARCHIVE_ENCRYPTION_KEY[0], Fernet.generate_key().decode()
    settings.ARCHIVE_ENCRYPTION_KEY = [new, old]

    assert fetched(ready.pk).startswith(ZIP_BEGINS)


def test_without_its_key_a_file_is_kept_until_the_key_is_back(
    ready: Export, settings: Settings, announced: list[Event]
) -> None:
    keys = settings.ARCHIVE_ENCRYPTION_KEY
    settings.ARCHIVE_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    with pytest.raises(ExportUnreadable):
        exports.opened(ready)

    assert ExportEnded("unreadable") in announced
    settings.ARCHIVE_ENCRYPTION_KEY = keys
    assert fetched(ready.pk).startswith(ZIP_BEGINS)


def test_with_encryption_on_and_no_key_nothing_is_written(ayse: User, settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = []
    export = exports.begin(ayse)

    with pytest.raises(ArchiveNotConfigured):
        exports.make(export.pk)

    assert files() == []


def test_files_made_without_encryption_are_served_when_it_is_on_again(say: Say, ayse: User, settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION = False
    export = made(ayse)

    assert [path.name for path in files()] == [f"{export.pk}.zip"]
    assert zipfile.is_zipfile(files()[0])
    settings.ARCHIVE_ENCRYPTION = True
    assert fetched(export.pk) == files()[0].read_bytes()


@pytest.mark.parametrize("sealed", [True, False])
def test_a_clear_file_goes_with_its_time_and_with_its_user_like_a_sealed_one(
    ayse: User, settings: Settings, sealed: bool
) -> None:
    settings.ARCHIVE_ENCRYPTION = sealed
    export = made(ayse)
    assert export_files.names() == {export.pk}
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    exports.remove_expired()

    assert files() == []


def test_a_clear_file_does_not_lie_on_beside_the_sealed_one(ayse: User, settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION = False
    export = made(ayse)
    settings.ARCHIVE_ENCRYPTION = True
    exports.make_anew(export)

    exports.make(export.pk)

    assert [path.name for path in files()] == [f"{export.pk}.zip.enc"]


def cut(content: bytes) -> bytes:
    return content[: HEAD.size + 2 * WHOLE_TOKEN]


def nothing(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [cut, nothing, None], ids=["cut", "emptied", "gone"])
@pytest.mark.parametrize("sealed", [True, False])
def test_a_damaged_file_is_made_anew_under_the_same_link(
    ayse: User,
    large: None,
    settings: Settings,
    announced: list[Event],
    damage: Callable[[bytes], bytes] | None,
    sealed: bool,
) -> None:
    settings.ARCHIVE_ENCRYPTION = sealed
    export = made(ayse)
    content, path = fetched(export.pk), files()[0]
    path.write_bytes(damage(path.read_bytes())) if damage else path.unlink()

    assert exports.opened(export) is None

    assert ExportEnded("damaged") in announced
    assert exports.due() == [export.pk]
    assert exports.current(ayse) == export
    exports.make(export.pk)
    assert fetched(export.pk) == content


def test_it_is_made_anew_at_once_not_at_the_next_tick(ready: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[tuple[str, ...]] = []
    monkeypatch.setattr(exports, "publish_named", lambda *task: published.append(task))
    files()[0].unlink()

    assert exports.opened(ready) is None

    assert published == [(exports.MAKE, ready.pk)]


def test_the_export_of_somebody_else_under_my_name_is_not_given_out(ready: Export, large: None) -> None:
    mehmets = made(User.objects.create_user("mehmet"))
    path, _ = export_files.paths_of(ready.pk)
    path.write_bytes(export_files.paths_of(mehmets.pk)[0].read_bytes())
    ready.size = mehmets.size

    assert exports.opened(ready) is None


def test_a_file_that_is_damaged_for_ever_is_given_up(ready: Export, announced: list[Event]) -> None:
    for _ in range(exports.TRIES):
        files()[0].unlink()
        ready.refresh_from_db()
        assert exports.opened(ready) is None
        exports.make(ready.pk)

    assert not Export.objects.exists()
    assert [event.outcome for event in announced if isinstance(event, ExportEnded)][-1] == "failed"


def test_a_disk_that_is_full_is_not_filled_by_what_was_half_made(ayse: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(user: User, out: Out, **_: object) -> None:
        out.write(b"x" * PIECE * 2)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(portrait, "write", full)
    export = exports.begin(ayse)
    with pytest.raises(OSError, match="No space"):
        exports.make(export.pk)

    assert files() == []
