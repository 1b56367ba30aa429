"""Processes killed while they work on archives; runs that race; turns and the mirror at the same time."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant import conversation
from assistant.archive import left_over, marks, reading, resealing, restoring, running
from assistant.archive.sealing import writing_key_id
from assistant.conversation import ThreadRef
from assistant.memory import mirror
from assistant.models import Archive, AuditEntry, Message, MirrorState, Thread, User
from assistant.replies.values import Reply
from ops.waiting import wait_until
from ops.zep_standin.process import StandIn
from tests.archive.conftest import Grow, files, rows_of
from tests.support.processes import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
SECONDS = 300
ARCHIVING = (
    "before the row",
    "row made",
    "half a file",
    "file not named",
    "file there",
    "read back",
    "verified",
    "rows emptied",
    "committed",
    "released",
)
RESEALING = (
    "new row made",
    "half a file",
    "file not named",
    "file there",
    "new file verified",
    "files swapped",
    "swap committed",
    "file removed",
    "released",
)

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(folder: Path) -> Start:
    """Start a process that works on this test's database and folder, and dies at the point, if one is named."""
    own = connection.settings_dict
    url = f"postgres://{own['USER']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    if connection.vendor == "sqlite":
        url = f"sqlite:///{own['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "ARCHIVE_DIR": str(folder), "PROCESS_ROLE": "cli"}
    environment |= {"DJANGO_SETTINGS_MODULE": "easy_islanders.settings", "FLAG_ZEP_READ": "false"}

    def start(work: str, point: str = "") -> "subprocess.Popen[bytes]":
        if work != "mark":
            marks.secure()  # not among what is killed
        command = [sys.executable, "-m", "tests.archive.doomed", work, point]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    return start


def killed(process: "subprocess.Popen[bytes]") -> None:
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == -signal.SIGKILL, errors.decode()


def let_leases_end() -> None:
    """As if the minute had passed for which a dead process's lease still stands."""
    Thread.objects.update(lease_until=None, archive_not_before=None)


def all_texts(thread_id: str) -> list[str]:
    """What was said, from the rows or, where they are slim, from the files."""
    rows = list(Message.objects.filter(thread_id=thread_id).order_by("sequence"))
    reading.fill_in(*rows)
    return [row.text for row in rows]


@pytest.mark.parametrize("point", ARCHIVING)
def test_a_run_that_is_killed_loses_nothing_and_the_next_one_finishes(
    grow: Grow, folder: Path, start: Start, point: str
) -> None:
    grow("t1", 60)
    before = rows_of("t1")
    said = [row["text"] for row in before]

    killed(start("archive", point))

    assert all_texts("t1") == said
    let_leases_end()
    running.run(SECONDS)
    assert all_texts("t1") == said
    assert Message.objects.filter(archive__state=Archive.State.STORED, text="").count() == 50
    assert [path.name for path in files(folder)] == [Archive.objects.get().name]
    assert (Thread.objects.get().hot_messages, Thread.objects.get().archived_messages) == (10, 50)
    restoring.restore(Archive.objects.get().pk, "ayse")
    assert rows_of("t1") == before


@pytest.mark.parametrize("point", ["read back", "rows filled", "restored", "file removed", "released"])
def test_a_restore_that_is_killed_is_finished_by_the_next(grow: Grow, folder: Path, start: Start, point: str) -> None:
    grow("t1", 60)
    before = rows_of("t1")
    running.run(SECONDS)

    killed(start("restore", point))

    assert all_texts("t1") == [row["text"] for row in before]
    let_leases_end()
    restoring.restore(Archive.objects.get().pk, "ayse")
    left_over.sweep(timezone.now())
    assert rows_of("t1") == before
    assert files(folder) == []
    assert Thread.objects.get().hot_messages == 60


@pytest.mark.parametrize("point", RESEALING)
def test_a_resealing_that_is_killed_loses_nothing_and_the_next_one_finishes(
    grow: Grow, folder: Path, start: Start, settings: Settings, point: str
) -> None:
    settings.ARCHIVE_ENCRYPTION = False
    grow("t1", 60)
    before = rows_of("t1")
    running.run(SECONDS)
    settings.ARCHIVE_ENCRYPTION = True

    killed(start("reseal", point))

    assert all_texts("t1") == [row["text"] for row in before]
    let_leases_end()
    assert [each for each in resealing.reseal_all("ayse") if each.refused] == []
    left_over.sweep(timezone.now() + left_over.OF_A_KILLED_RUN_AFTER)
    archive = Archive.objects.get()
    assert (archive.state, archive.key_id) == (Archive.State.STORED, writing_key_id())
    assert [path.name for path in files(folder)] == [archive.name]
    assert AuditEntry.objects.filter(action="archive.reseal").count() == 1
    restoring.restore(archive.pk, "ayse")
    assert rows_of("t1") == before
    assert files(folder) == []


@pytest.mark.parametrize("point", ["expired", "file removed"])
def test_an_expiry_that_is_killed_is_finished_by_the_sweep(grow: Grow, folder: Path, start: Start, point: str) -> None:
    grow("t1", 60)
    running.run(SECONDS)

    killed(start("expire", point))
    left_over.sweep(timezone.now())

    assert files(folder) == []
    assert Archive.objects.get().state == Archive.State.EXPIRED
    assert Archive.objects.get().file_removed_at is not None


def test_what_a_killed_run_left_goes_even_where_its_thread_is_not_due_any_more(
    grow: Grow, folder: Path, start: Start
) -> None:
    grow("t1", 60)
    killed(start("archive", "file there"))
    assert len(files(folder)) == 1
    Thread.objects.update(lease_until=None, hot_messages=0)

    assert left_over.sweep(timezone.now()) == 0  # it may be under way
    assert left_over.sweep(timezone.now() + left_over.OF_A_KILLED_RUN_AFTER) == 1

    assert files(folder) == []
    assert not Archive.objects.exists()


def test_a_running_archivers_file_is_not_taken_for_a_left_over(grow: Grow, folder: Path, start: Start) -> None:
    grow("t1", 60)
    killed(start("archive", "file there"))
    Thread.objects.update(lease_until=timezone.now() + timedelta(minutes=1))  # it renewed its lease

    assert left_over.sweep(timezone.now() + left_over.OF_A_KILLED_RUN_AFTER) == 0

    assert len(files(folder)) == 1


def test_archivers_that_race_archive_each_message_once(grow: Grow, folder: Path, start: Start) -> None:
    names = [f"t{number}" for number in range(12)]
    for name in names:
        grow(name, 60)
    before = {name: rows_of(name) for name in names}

    processes = [start("archive") for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, errors.decode()

    assert Archive.objects.count() == len(files(folder)) == len(names)
    assert sum(Archive.objects.values_list("message_count", flat=True)) == 50 * len(names)
    assert set(Thread.objects.values_list("hot_messages", flat=True)) == {10}
    for archive in Archive.objects.all():
        restoring.restore(archive.pk, "ayse")
    assert {name: rows_of(name) for name in names} == before


def in_threads(*work: Callable[[], None]) -> None:
    """All of them at once, each with connections of its own; whatever one raises is raised here."""

    def closing(job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(closing, job) for job in work]:
            future.result(SECONDS)


class Traffic:
    """Users who talk, a mirror and an archiver, all at once, until the last turn is taken and mirrored."""

    TURNS = 30

    def __init__(self, user: User, names: Sequence[str]) -> None:
        self.user, self.said = user, {name: list[str]() for name in names}
        self.talking = True

    def run(self) -> None:
        in_threads(self.talk, self.keep_mirroring, self.keep_archiving)

    def talk(self) -> None:
        try:
            in_threads(*(partial(self._talk_in, name) for name in self.said))
        finally:
            self.talking = False

    def _talk_in(self, name: str) -> None:
        for number in range(self.TURNS):
            message = conversation.record(ThreadRef(self.user, name), f"question {number} in {name}", uuid4())
            conversation.record_reply(message, Reply(f"answer {number} in {name}", "general"), {"used": False})
            self.said[name] += [f"question {number} in {name}", f"answer {number} in {name}"]

    def keep_mirroring(self) -> None:
        while self.talking or Message.objects.exclude(mirror_state=MirrorState.MIRRORED).exists():
            for name in self.said:
                mirror.drain(name)

    def keep_archiving(self) -> None:
        while self.talking:
            Thread.objects.update(archive_not_before=None)
            running.run(SECONDS)


def test_while_turns_are_taken_and_mirrored_nothing_is_lost_doubled_or_out_of_order(
    ayse: User, folder: Path, standin: StandIn, settings: Settings
) -> None:
    settings.FLAG_ZEP_READ = False
    settings.ARCHIVE_MAX_MESSAGES_IN_MEMORY = settings.ARCHIVE_THRESHOLD = 14
    traffic = Traffic(ayse, ("a", "b"))

    traffic.run()

    def each_thread_is_archived() -> bool:
        """As beat does: a thread that somebody held, or the mirror was behind in, a moment ago is looked at again."""
        Thread.objects.update(archive_not_before=None)  # ten minutes later
        running.run(SECONDS)
        return set(Archive.objects.filter(state=Archive.State.STORED).values_list("thread_id", flat=True)) == {"a", "b"}

    wait_until(each_thread_is_archived, "both threads to be archived")
    for name, said in traffic.said.items():
        assert all_texts(name) == said
        assert standin.thread(name).contents == said
        thread = Thread.objects.get(pk=name)
        assert thread.hot_messages == Message.objects.filter(thread=thread, archive=None).count()
        assert thread.hot_messages + thread.archived_messages == 2 * Traffic.TURNS
    assert len(files(folder)) == Archive.objects.count()
