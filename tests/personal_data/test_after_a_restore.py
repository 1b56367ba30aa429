"""A backup from before the erasure is put back: the ledger, outside the database, knows whom to erase again."""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from assistant import loops
from assistant.archive import archiving, storage
from assistant.conversation import ThreadNotFound
from assistant.memory import mirror
from assistant.memory.zep_client import zep
from assistant.models import Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, ledger, progress, sealing
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish
from tests.support.processes import ROOT

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "standin"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="copies the database's file"),
]
CANARY = b"kanarya"


@contextmanager
def put_back(tmp_path: Path) -> Iterator[None]:
    """The database is, after the block, as it was before it."""
    path, backup = Path(connection.settings_dict["NAME"]), tmp_path / "backup.sqlite3"
    copy(path, backup)
    yield
    connection.close()
    copy(backup, path)


def copy(source: Path, target: Path) -> None:
    """By SQLite's own means: other threads of the tests may have the database open."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


def reapply(**options: Any) -> dict[str, int]:
    out = StringIO()
    call_command("reapply_erasures", json=True, stdout=out, **options)
    answer: dict[str, int] = json.loads(out.getvalue())
    return answer


def bytes_of_the_database() -> bytes:
    """Read by another process: whoever closes a file loses all locks on it, and SQLite relies on those."""
    sealing.seal()
    path = str(connection.settings_dict["NAME"])
    files = [name for name in (path, f"{path}-wal") if Path(name).exists()]
    return subprocess.run(["cat", *files], capture_output=True, check=True).stdout


def test_a_person_whom_a_backup_brought_back_is_erased_again_under_the_old_receipt(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path
) -> None:
    say("kanarya said this")
    mirror.drain("t1")
    with put_back(tmp_path):
        receipt = finish(erasure.request(ayse, "op")).receipt
    assert User.objects.filter(username="ayse").exists()
    assert CANARY in bytes_of_the_database()

    found = reapply(dry_run=True)
    nothing = {"choices": 0, "choices_forgotten": 0, "threads_found": 0, "unreadable_lines": 0, "begun": 0}
    assert found == nothing | {"erasures": 1, "people_found": 1}
    assert User.objects.filter(username="ayse").exists()
    assert reapply()["begun"] == 1
    done = finish(Erasure.objects.get(receipt=receipt))

    assert done.state == Erasure.State.COMPLETED
    assert not User.objects.exists()
    assert CANARY not in bytes_of_the_database()
    with pytest.raises(ThreadNotFound):
        say("t1 again", user=User.objects.create_user("ayse"))


def test_a_person_whose_thread_was_erased_before_is_found_in_an_older_backup(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path
) -> None:
    """Each thread's erasure gives the person a new id at Zep: the ledger's last line does not name the backup's."""
    say("kanarya said this")
    say("and this", "t2")
    with put_back(tmp_path):
        finish(erasure.request_thread(ayse, "t1", "op"))
        finish(erasure.request(ayse, "op"))

    assert reapply()["people_found"] == 1
    for each in Erasure.objects.all():
        finish(each)

    assert not User.objects.exists()
    assert CANARY not in bytes_of_the_database()


def test_a_thread_that_a_backup_brought_back_is_erased_again(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path
) -> None:
    say("kanarya said this")
    say("stays", "t2")
    mirror.drain("t1")
    mirror.drain("t2")
    with put_back(tmp_path):
        finish(erasure.request_thread(ayse, "t1", "op"))

    assert reapply()["threads_found"] == 1
    finish(Erasure.objects.get())
    mirror.drain("t2")

    assert [thread.pk for thread in Thread.objects.all()] == ["t2"]
    assert Message.objects.get().text == "stays"
    assert [each["session_id"] for each in standin.threads()] == ["t2"]
    assert CANARY not in bytes_of_the_database()


def test_after_each_restore_the_persons_other_threads_are_told_to_zep_again(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path
) -> None:
    """Zep takes an id once, and deleting does not free it; the restored rows do not know which it has had."""
    say("kanarya said this")
    say("stays", "t2")
    mirror.drain("t2")
    for _ in range(3):
        with put_back(tmp_path):
            for begun in Erasure.objects.all() or [erasure.request_thread(ayse, "t1", "op")]:
                finish(begun)
            mirror.drain("t2")
        reapply()
    finish(Erasure.objects.get())
    mirror.drain("t2")

    assert standin.thread("t2").contents == ["stays"]
    assert Message.objects.get().mirror_state == MirrorState.MIRRORED


async def is_known_to_zep(memory_id: UUID) -> bool:
    return await zep().has_user(memory_id)


def test_the_id_that_an_erased_thread_gave_the_person_is_theirs_again_and_goes_with_them(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path
) -> None:
    say("kanarya said this")
    say("stays", "t2")
    with put_back(tmp_path):
        finish(erasure.request_thread(ayse, "t1", "op"))
        mirror.drain("t2")
        told_as = User.objects.get().memory_id
    assert loops.run(is_known_to_zep(told_as))

    reapply()
    finish(Erasure.objects.get())
    assert User.objects.get().memory_id == told_as
    finish(erasure.request(ayse, "op"))

    assert not loops.run(is_known_to_zep(told_as))


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Archives of this test's own."""
    local = settings.STORAGES["archive"] | {"OPTIONS": {"location": str(tmp_path / "archives")}}
    settings.STORAGES = settings.STORAGES | {"archive": local}
    return tmp_path / "archives"


@pytest.mark.parametrize("whole_person", [True, False])
def test_files_that_are_newer_than_the_database_are_removed_too(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path, folder: Path, *, whole_person: bool
) -> None:
    """Archives are backed up after the database: a file may bear an id, or be of a thread, that it knows nothing of."""
    say("kanarya said this", "first")
    with put_back(tmp_path):
        for text in (*"abcd", "kanarya"):
            say(text, "second")
        finish(erasure.request_thread(ayse, "first", "op"))
        mirror.drain("second")
        archiving.archive_now("second", "op", keep=2)
        files = {name: (folder / name).read_bytes() for name in storage.names()}
        finish(erasure.request_thread(ayse, "second", "op"))
        if whole_person:
            finish(erasure.request(ayse, "op"))
    for name, content in files.items():
        (folder / name).write_bytes(content)

    reapply()
    for each in Erasure.objects.all():
        assert finish(each).state == Erasure.State.COMPLETED

    assert files
    assert storage.names() == []


def test_reapplying_twice_or_where_nothing_came_back_does_no_harm(say: Say, ayse: User, standin: StandIn) -> None:
    say("kanarya said this")
    receipt = finish(erasure.request(ayse, "op")).receipt
    User.objects.create_user("mehmet")

    for _ in range(2):
        assert reapply()["people_found"] == 0
        assert finish(Erasure.objects.get(receipt=receipt)).state == Erasure.State.COMPLETED

    assert User.objects.get().username == "mehmet"


def test_in_a_database_that_knows_nothing_of_the_erasure_zep_is_looked_at_and_it_is_completed(
    say: Say, ayse: User, standin: StandIn
) -> None:
    say("kanarya said this")
    receipt = finish(erasure.request(ayse, "op")).receipt
    Erasure.objects.all().delete()

    assert reapply()["begun"] == 1
    again = Erasure.objects.get(receipt=receipt)
    progress.carry_out(again.pk)

    again.refresh_from_db()
    assert again.due_at is not None
    assert finish(again).state == Erasure.State.COMPLETED


def test_the_ledger_holds_opaque_keys_and_outlives_a_torn_line(say: Say, ayse: User) -> None:
    say("kanarya", "ayse-flat")
    with settings.ERASURE_LEDGER.open("w") as file:
        file.write('{"v":1,"event":"requ')

    finish(erasure.request(ayse, "op"))

    text = settings.ERASURE_LEDGER.read_text()
    assert "ayse" not in text
    entries = list(ledger.read())
    assert [entry and entry["event"] for entry in entries] == [None, "requested", "completed"]


def test_a_line_that_cannot_be_read_is_told_and_the_others_are_done(say: Say, ayse: User) -> None:
    say("kanarya")
    settings.ERASURE_LEDGER.write_text('{"v":1,"event":"requ')
    receipt = finish(erasure.request(ayse, "op")).receipt
    said, warned = StringIO(), StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("reapply_erasures", "--json", stdout=said, stderr=warned)

    assert ended.value.code == 1
    assert json.loads(said.getvalue())["unreadable_lines"] == json.loads(said.getvalue())["begun"] == 1
    assert "ERASURE_LEDGER: some lines cannot be read" in warned.getvalue()
    assert Erasure.objects.get(receipt=receipt).state == Erasure.State.REQUESTED


@pytest.mark.parametrize(
    "line",
    [
        '{"v":1}',
        '{"v":1,"event":"requested"}',
        '{"v":1,"event":["requested"]}',
        '{"v":1,"event":"of tomorrow"}',
        '{"v":1,"event":"requested","receipt":"r","scope":"person","memory_ids":["?"],"threads":[],"at":"2026-01-01T00:00Z"}',
        '{"v":1,"event":"completed","receipt":"r","counts":{"zep_generation":"many"}}',
        '{"v":1,"event":"chosen","memory_on":"no","memory_ids":[],"at":"today"}',
        "[" * 100_000,
    ],
)
def test_a_line_that_lacks_something_is_one_that_cannot_be_read(say: Say, ayse: User, line: str) -> None:
    say("kanarya")
    settings.ERASURE_LEDGER.write_text(f"{line}\n")
    finish(erasure.request(ayse, "op"))
    said = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("reapply_erasures", "--dry-run", "--json", stdout=said, stderr=StringIO())

    assert ended.value.code == 1
    assert (json.loads(said.getvalue())["unreadable_lines"], json.loads(said.getvalue())["erasures"]) == (1, 1)


def test_a_ledger_that_is_no_file_is_named_as_such() -> None:
    settings.ERASURE_LEDGER.mkdir()

    with pytest.raises(CommandError, match="ERASURE_LEDGER: it cannot be read"):
        reapply()


def test_the_runbook_erases_again_before_a_worker_starts() -> None:
    """What waited of theirs would go to Zep in between."""
    page = (ROOT / "ops/runbooks/restore.md").read_text(encoding="utf-8")

    assert (
        page.index("manage.py reapply_erasures\n") < page.index("Start `control`, `worker`") < page.index("Start `web`")
    )


def test_without_a_ledger_the_command_says_so() -> None:
    with pytest.raises(CommandError, match="ERASURE_LEDGER"):
        reapply()
