"""`manage.py archive`, the task behind it, and the backfill that needs archives back."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive import retention, running
from assistant.memory import dead_letters, outbox
from assistant.models import Archive, AuditEntry, Message, MirrorState, Thread
from tests.archive.conftest import Grow, files, rows_of, texts_of
from workers import archive as worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def archive(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code, and the lines it printed."""
    out, code = io.StringIO(), 0
    try:
        call_command("archive", *arguments, "--json", stdout=out, stderr=io.StringIO())
    except SystemExit as ended:
        code = int(str(ended.code))
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def archived(grow: Grow) -> Archive:
    grow("t1", 60)
    running.run(60)
    return Archive.objects.get()


def test_list_names_each_archive(archived: Archive) -> None:
    code, [line] = archive("list")

    assert code == 0
    assert (line["archive"], line["thread_id"], line["state"]) == (archived.pk, "t1", "stored")
    assert (line["messages"], line["sequences"], line["file"]) == (50, "1-50", archived.name)
    assert archive("list", "--thread", "t2") == (1, [])
    assert archive("list", "--state", "restored") == (1, [])


def test_show_tells_of_every_message_and_nothing_of_what_it_says(archived: Archive) -> None:
    code, lines = archive("show", str(archived.pk))

    assert code == 0
    assert len(lines) == 51
    assert lines[1] | {"client_msg_id": ""} == {
        "sequence": 1,
        "client_msg_id": "",
        "role": "user",
        "said_at": lines[1]["said_at"],
        "length": len("question 1 of Ayşe 🏡"),
        "mirror_state": "mirrored",
    }
    assert "question" not in json.dumps(lines)


def test_restore_gives_back_and_says_how_much_and_again_that_it_had(grow: Grow) -> None:
    grow("t1", 60)
    before = rows_of("t1")
    running.run(60)
    number = str(Archive.objects.get().pk)
    assert archive("restore", number, "--dry-run") == (0, [{"archive": int(number), "would_restore": 50}])
    assert "" in texts_of("t1")

    code, [line] = archive("restore", number, "--operator", "zeki")

    assert (code, line) == (0, {"archive": int(number), "restored": 50, "already": False})
    assert rows_of("t1") == before
    assert AuditEntry.objects.get(action="archive.restore").actor == "zeki"
    assert archive("restore", number) == (0, [{"archive": int(number), "restored": 0, "already": True}])


def test_restore_refuses_a_damaged_file_with_the_reason_and_exit_code_1(archived: Archive, folder: Path) -> None:
    files(folder)[0].write_bytes(b"damaged")
    before = rows_of("t1")

    for action in (["restore"], ["restore", "--dry-run"], ["verify"]):
        code, [line] = archive(action[0], str(archived.pk), *action[1:])

        assert code == 1
        assert line["refused"] == "damaged"
        assert "checksum" in line["because"]
    assert rows_of("t1") == before


@pytest.mark.parametrize("arguments", [["restore"], ["show"], ["restore", "2000000000"], ["show", "--thread", "none"]])
def test_what_names_no_archive_is_refused(archived: Archive, arguments: list[str]) -> None:
    assert archive(*arguments)[0] == 1


def test_verify_reads_everything_and_finds_files_that_belong_to_nobody(archived: Archive, folder: Path) -> None:
    code, lines = archive("verify")
    assert (code, lines) == (0, [{"archive": archived.pk, "messages": 50, "result": "right"}])
    stray = folder / "0_t9_20200101T000000000000Z.json.gz.enc"
    stray.write_bytes(b"?")
    young = folder / f"0_t9_{timezone.now():%Y%m%dT%H%M%S%f}Z.json.gz.enc"
    young.write_bytes(b"?")

    code, lines = archive("verify")

    assert code == 1
    assert lines[1:] == [{"stray_file": stray.name}]


def test_run_archives_what_is_due_or_what_is_named(grow: Grow) -> None:
    grow("t1", 60)
    grow("t2", 20)
    assert archive("run", "--dry-run") == (0, [{"would_archive": "t1"}])
    assert not Archive.objects.exists()

    code, [ran] = archive("run")
    assert (code, ran["threads"], ran["messages"]) == (0, 1, 50)

    code, [named] = archive("run", "--thread", "t2")
    assert (code, named["messages"]) == (0, 10)
    assert AuditEntry.objects.get(action="archive.thread").details == {"thread_id": "t2", "messages": 10, "files": 1}


def test_expire_deletes_what_is_old_and_a_dry_run_nothing(archived: Archive, folder: Path) -> None:
    Archive.objects.update(retained_since=timezone.now() - timedelta(days=9))

    code, [line] = archive("expire", "--days", "8", "--dry-run")
    assert (code, line["archive"]) == (0, archived.pk)
    assert len(files(folder)) == 1

    assert archive("expire", "--days", "10") == (0, [{"expired": 0}])
    assert archive("expire", "--days", "8") == (0, [{"expired": 1}])
    assert files(folder) == []


def test_expire_deletes_the_one_that_is_named_and_only_where_it_is_meant(
    archived: Archive, grow: Grow, folder: Path
) -> None:
    grow("t2", 60)
    running.run(60)
    number = str(archived.pk)
    for meant in ([], ["--dry-run"], ["--yes", "--dry-run"]):
        code, [line] = archive("expire", number, *meant)
        assert (code, line["would_expire"], line["thread_id"]) == (0, archived.pk, "t1")
    assert len(files(folder)) == 2
    assert not AuditEntry.objects.filter(action="archive.expire").exists()

    assert archive("expire", number, "--yes", "--operator", "zeki") == (0, [{"archive": archived.pk, "expired": 50}])

    assert [file.name for file in files(folder)] == [Archive.objects.get(thread_id="t2").name]
    entry = AuditEntry.objects.get(action="archive.expire")
    assert (entry.actor, entry.details) == ("zeki", {"archive": archived.pk, "thread_id": "t1", "messages": 50})
    assert texts_of("t1").count("") == 50
    assert archive("expire", number, "--yes") == (1, [])
    assert archive("restore", number)[0] == 1


@pytest.mark.parametrize("arguments", [["2000000000", "--yes"], ["--thread", "nobodys", "--days", "1"]])
def test_expire_refuses_what_there_is_not(archived: Archive, folder: Path, arguments: list[str]) -> None:
    Archive.objects.update(retained_since=timezone.now() - timedelta(days=9))

    assert archive("expire", *arguments) == (1, [])
    assert archive("expire", *arguments, "--dry-run") == (1, [])

    assert len(files(folder)) == 1


@pytest.mark.parametrize("is_rehearsed", [True, False])
def test_expire_of_a_thread_leaves_everybody_elses_alone(
    archived: Archive, grow: Grow, folder: Path, *, is_rehearsed: bool
) -> None:
    for thread_id in ("t2", "t3"):
        grow(thread_id, 60)
    running.run(60)
    Archive.objects.update(retained_since=timezone.now() - timedelta(days=9))

    if is_rehearsed:
        code, lines = archive("expire", "--thread", "t1", "--days", "8", "--dry-run")
        assert (code, [line["thread_id"] for line in lines]) == (0, ["t1"])
        assert len(files(folder)) == 3
        return
    assert archive("expire", "--thread", "t1", "--days", "10") == (0, [{"expired": 0}])
    assert archive("expire", "--thread", "t1", "--days", "8") == (0, [{"expired": 1}])
    assert set(Archive.objects.filter(state="stored").values_list("thread_id", flat=True)) == {"t2", "t3"}
    assert len(files(folder)) == 2


def test_expire_stops_at_its_limit(archived: Archive, grow: Grow, folder: Path) -> None:
    grow("t2", 60)
    running.run(60)
    Archive.objects.update(retained_since=timezone.now() - timedelta(days=9))

    assert archive("expire", "--days", "8", "--limit", "1") == (0, [{"expired": 1}])

    assert len(files(folder)) == 1


def test_a_rehearsed_run_of_a_thread_says_what_the_run_does(grow: Grow) -> None:
    grow("t1", 60)
    grow("t2", 20)
    assert archive("run", "--thread", "t2", "--dry-run") == (0, [{"would_archive": "t2", "messages": 10}])
    assert not Archive.objects.exists()

    assert archive("run", "--thread", "t2")[1][0]["messages"] == 10

    assert archive("run", "--thread", "t2", "--dry-run") == (0, [{"would_archive": "t2", "messages": 0}])
    assert archive("run", "--thread", "nobodys", "--dry-run") == (1, [])


def test_a_run_stops_at_its_limit(grow: Grow) -> None:
    for thread_id in ("t1", "t2", "t3"):
        grow(thread_id, 60)
    assert len(archive("run", "--limit", "2", "--dry-run")[1]) == 2

    assert archive("run", "--limit", "2")[1][0]["threads"] == 2

    assert Archive.objects.count() == 2


def test_a_rehearsed_verify_reads_and_notes_nothing(archived: Archive, folder: Path) -> None:
    before = archived.verified_at
    assert archive("verify", "--dry-run") == (0, [{"archive": archived.pk, "messages": 50, "result": "right"}])
    assert Archive.objects.get().verified_at == before

    files(folder)[0].write_bytes(b"damaged")

    assert archive("verify", "--dry-run")[0] == 1
    assert archive("verify", "2000000000") == (1, [])


def test_the_task_archives_and_one_run_is_enough_for_a_process(grow: Grow) -> None:
    grow("t1", 60)
    with worker._running:
        worker.archive_due()
    assert not Archive.objects.exists()

    worker.archive_due()

    assert Archive.objects.count() == 1


def test_the_task_of_retention_deletes(archived: Archive, folder: Path, settings: Settings) -> None:
    settings.ARCHIVE_RETENTION_DAYS = 8
    Archive.objects.update(retained_since=timezone.now() - timedelta(days=9))

    worker.expire_archives()

    assert files(folder) == []
    assert AuditEntry.objects.get(action="archive.expire").actor == "retention"


def held_and_archived(grow: Grow, settings: Settings) -> None:
    """Said, and archived, while writing to Zep was off; then it was switched on."""
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    grow("t1", 60, mirror_state=MirrorState.HELD, mirrored_at=None)
    Thread.objects.update(holds_messages=True)
    running.run(60)
    assert Archive.objects.count() == 1
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = True


def test_a_backfill_restores_what_was_archived_while_it_was_held(grow: Grow, settings: Settings) -> None:
    held_and_archived(grow, settings)

    call_command("zep_backfill", "--json", stdout=io.StringIO(), stderr=io.StringIO())

    assert set(Message.objects.values_list("mirror_state", flat=True)) == {MirrorState.PENDING}
    assert "" not in texts_of("t1")
    assert [row.sequence for row in outbox.waiting_messages("t1", 99)] == list(range(1, 61))


def test_a_backfill_sends_nothing_of_a_thread_whose_archive_cannot_be_read(
    grow: Grow, settings: Settings, folder: Path
) -> None:
    held_and_archived(grow, settings)
    files(folder)[0].write_bytes(b"damaged")

    call_command("zep_backfill", "--json", stdout=io.StringIO(), stderr=io.StringIO())

    assert set(Message.objects.values_list("mirror_state", flat=True)) == {MirrorState.HELD}
    assert Thread.objects.get().holds_messages
    assert outbox.waiting_messages("t1", 99) == []


def test_what_was_held_in_an_expired_archive_keeps_its_thread_from_zep_no_longer(
    grow: Grow, settings: Settings
) -> None:
    held_and_archived(grow, settings)
    assert len(list(retention.expire(timezone.now() + timedelta(days=8), "retention", days=7))) == 1

    call_command("zep_backfill", "--json", stdout=io.StringIO(), stderr=io.StringIO())

    assert [row.sequence for row in outbox.waiting_messages("t1", 99)] == list(range(51, 61))
    assert not Thread.objects.get().holds_messages
    gone = Message.objects.filter(mirror_state=MirrorState.DEAD, mirror_error="expired")
    assert gone.exclude(discarded_at=None).count() == 50
    assert dead_letters.count() == 0
