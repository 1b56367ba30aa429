"""Large exports: made by a task, killed and made anew, gone after their time or with their user; small in memory."""

import io
import json
import os
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import IO, Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assistant.conversation import UserGone
from assistant.events import Event
from assistant.models import AuditEntry, Erasure, Export, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, export_files, exports, portrait
from assistant.personal_data.events import ExportEnded
from assistant.personal_data.export_files import Out
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, fetched, finish, read_all
from workers import personal_data

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def outcomes(announced: list[Event]) -> list[str]:
    return [event.outcome for event in announced if isinstance(event, ExportEnded)]


def test_the_file_is_readable_by_this_account_alone(say: Say, ayse: User) -> None:
    say("hello")
    export = exports.begin(ayse)

    personal_data.make_export(export.pk)

    path, _ = export_files.paths_of(export.pk)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    export.refresh_from_db()
    assert (export.state, export.size) == (Export.State.READY, len(fetched(export.pk)))
    assert export.expires_at is not None
    assert 3_500 < (export.expires_at - timezone.now()).total_seconds() <= 3_600


def test_it_goes_after_its_time(say: Say, ayse: User, announced: list[Event]) -> None:
    export = exports.begin(ayse)
    exports.make(export.pk)
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert exports.current(ayse) is None

    personal_data.tend()

    assert not Export.objects.exists()
    assert export_files.names() == set()
    assert outcomes(announced) == ["queued", "made", "expired"]


def test_files_of_killed_makers_are_removed(ayse: User) -> None:
    (settings.EXPORT_DIR).mkdir()
    (settings.EXPORT_DIR / "killed.part").write_bytes(b"half")
    (settings.EXPORT_DIR / "killed2.zip").write_bytes(b"whole")
    export = exports.begin(ayse)
    exports.make(export.pk)

    exports.remove_expired()

    assert export_files.names() == {export.pk}


def test_an_export_whose_maker_died_is_made_anew_and_given_up_after_five_tries(
    ayse: User, announced: list[Event]
) -> None:
    export = exports.begin(ayse)
    for _ in range(5):
        Export.objects.update(attempts=Export.objects.get().attempts + 1, claimed_until=None)
    assert exports.due() == [export.pk]

    exports.make(export.pk)

    assert not Export.objects.exists()
    assert outcomes(announced)[-1] == "failed"


def test_one_that_somebody_makes_is_not_made_twice(ayse: User) -> None:
    export = exports.begin(ayse)
    Export.objects.update(claimed_until=timezone.now() + timedelta(minutes=5))

    exports.make(export.pk)

    assert export_files.names() == set()


@pytest.mark.parametrize("when", ["before", "after"])
def test_erased_while_it_is_made_it_leaves_no_file(
    say: Say, ayse: User, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The erasure is carried out in the middle of the writing: before the content, or after it."""
    say("kanarya")
    export = exports.begin(ayse)
    write = portrait.write
    asked: list[Erasure] = []

    def erased_meanwhile(user: User, out: Out, **how: Any) -> None:
        steps: list[Callable[[], object]] = [
            lambda: write(user, out, **how),
            lambda: asked.append(finish(erasure.request(user, "op"))),
        ]
        for step in steps if when == "after" else reversed(steps):
            step()

    monkeypatch.setattr(portrait, "write", erased_meanwhile)
    exports.make(export.pk)

    assert asked[0].state == Erasure.State.COMPLETED
    assert export_files.names() == set()
    with pytest.raises(UserGone):
        exports.begin(ayse)


def test_a_maker_that_outlives_its_claim_and_the_next_one_leave_a_whole_file(
    say: Say, ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("kanarya")
    export = exports.begin(ayse)
    write = portrait.write

    def overtaken(user: User, out: Out, **how: Any) -> None:
        monkeypatch.setattr(portrait, "write", write)
        Export.objects.update(claimed_until=None)
        exports.make(export.pk)
        write(user, out, **how)

    monkeypatch.setattr(portrait, "write", overtaken)
    exports.make(export.pk)

    assert Export.objects.get().state == Export.State.READY
    with zipfile.ZipFile(io.BytesIO(fetched(export.pk))) as packed:
        assert packed.testzip() is None
    assert list(settings.EXPORT_DIR.iterdir()) == [export_files.paths_of(export.pk)[0]]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes an export says with each record that it gets on."""
    monkeypatch.setattr(exports, "CLAIMED_AGAIN_AFTER", 0.0)


def test_as_long_as_it_gets_on_it_stays_in_its_makers_hands(
    say: Say, ayse: User, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("hello")
    export = exports.begin(ayse)
    rows = portrait._Messages.__iter__
    claims: list[datetime | None] = []

    def slow(messages: portrait._Messages) -> Iterator[portrait.Record]:
        for row in rows(messages):
            claims.append(Export.objects.get().claimed_until)
            yield row
        assert exports.due() == []
        claims.append(Export.objects.get().claimed_until)

    monkeypatch.setattr(portrait._Messages, "__iter__", slow)
    exports.make(export.pk)

    assert claims[0] is not None
    assert claims[1] is not None
    assert claims[0] < claims[1]
    assert Export.objects.get().state == Export.State.READY


def times_it_gets_on(user: User, threads: int, **columns: Any) -> int:
    """How often whoever exports says so, of a user with so many threads; the list of the threads left out."""
    Thread.objects.filter(user=user).delete()
    Thread.objects.bulk_create(Thread(id=f"t{number:04}", user=user, **columns) for number in range(threads))
    said: list[None] = []
    with open(os.devnull, "w+b") as out:
        portrait.write(user, Counting(out), zep_seconds=60, got_on=lambda: said.append(None))  # type: ignore[arg-type]
    return len(said) - threads  # once for each record of the list


def test_each_session_that_zep_is_asked_for_counts_as_getting_on_though_it_is_empty(ayse: User) -> None:
    told = {"known_to_zep_at": timezone.now()}

    few, more = (times_it_gets_on(ayse, many, **told) for many in (1, 4))

    assert more - few == 3


def test_each_portion_of_threads_that_the_audit_is_searched_for_counts_as_getting_on(ayse: User) -> None:
    few, more = (times_it_gets_on(ayse, portrait.ROWS_AT_ONCE * many) for many in (1, 3))

    assert more - few == 2


@pytest.mark.parametrize("by", ["another worker", "an erasure"])
def test_whoever_is_overtaken_stops_in_the_middle_and_leaves_nothing(
    say: Say, ayse: User, hasty: None, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    for _ in range(3):
        say("hello")
    export = exports.begin(ayse)
    rows, given = portrait._Messages.__iter__, []

    def overtaken(messages: portrait._Messages) -> Iterator[portrait.Record]:
        for row in rows(messages):
            if by == "another worker":
                Export.objects.update(claimed_until=timezone.now() + timedelta(hours=1))
            else:
                Export.objects.all().delete()
            given.append(row)
            yield row

    monkeypatch.setattr(portrait._Messages, "__iter__", overtaken)
    exports.make(export.pk)

    assert len(given) == 1
    assert list(settings.EXPORT_DIR.iterdir()) == []
    assert not Export.objects.filter(state=Export.State.READY).exists()


def test_what_a_killed_worker_left_is_made_anew_within_minutes_and_its_half_file_goes(ayse: User) -> None:
    export = exports.begin(ayse)
    claimed = exports._claimed(export.pk)
    assert claimed is not None
    half = settings.EXPORT_DIR / f"{export.pk}.0011223344556677.part"
    settings.EXPORT_DIR.mkdir()
    half.write_bytes(b"half")
    assert exports.due() == []
    assert claimed.claimed_until is not None
    assert claimed.claimed_until - timezone.now() < timedelta(minutes=3)
    Export.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))

    personal_data.make_export(exports.due()[0])

    assert not half.exists()
    assert Export.objects.get().state == Export.State.READY


def test_the_audit_in_it_tells_who_looked_and_nothing_of_others_whatever_the_persons_name(say: Say) -> None:
    """ "user" is what the audit calls everybody who asked for something themselves."""
    named = User.objects.create_user("user")
    say("hello", "u1", named)
    AuditEntry.objects.create(actor="op", action="message.reveal", details={"thread": "u1"})
    AuditEntry.objects.create(actor="user", action="export", details={"user": named.pk})
    AuditEntry.objects.create(actor="user", action="export", details={"user": named.pk + 1})
    with zipfile.ZipFile(io.BytesIO(read_all(exports.made_at_once(named)))) as packed:
        told = json.loads(packed.read("audit.json"))

    assert [each["details"] for each in told] == [{"thread": "u1"}, {"user": named.pk}]
    erasure.request(named, "op")
    assert AuditEntry.objects.filter(actor="user", details={"user": named.pk + 1}).exists()


def test_the_audit_in_it_is_about_all_threads_however_many_each_entry_once_in_order(ayse: User) -> None:
    names = [f"t{number:04}" for number in range(portrait.ROWS_AT_ONCE + 2)]
    Thread.objects.bulk_create(Thread(id=name, user=ayse) for name in names)
    details: list[dict[str, object]] = [
        {"thread": names[-1]},
        {"thread_id": names[0], "user": ayse.pk},
        {"thread_id": names[-2]},
        {"user": ayse.pk},
        {"thread": names[0]},
    ]
    for number, each in enumerate(details):
        AuditEntry.objects.create(actor="ayse" if number == 1 else "op", action="other", details=each)
    AuditEntry.objects.create(actor="op", action="other", details={"thread": "somebody else's"})
    with zipfile.ZipFile(io.BytesIO(read_all(exports.made_at_once(ayse)))) as packed:
        told = json.loads(packed.read("audit.json"))

    assert [each["details"] for each in told] == details


def test_erased_as_its_file_is_finished_it_leaves_none(say: Say, ayse: User, monkeypatch: pytest.MonkeyPatch) -> None:
    export = exports.begin(ayse)
    make = export_files.make

    def erased_as_it_ends(name: str, write: Callable[[IO[bytes]], None]) -> int | None:
        finish(erasure.request(ayse, "op"))
        return make(name, lambda out: None)

    monkeypatch.setattr(export_files, "make", erased_as_it_ends)
    exports.make(export.pk)

    assert export_files.names() == set()


def test_much_is_exported_in_little_memory_and_few_queries(ayse: User, standin: StandIn) -> None:
    thread = Thread.objects.create(id="t1", user=ayse)
    rows = [
        Message(
            user=ayse,
            thread=thread,
            sequence=number,
            client_msg_id=uuid4(),
            role="user",
            text=f"{number} " + "x" * 2_000,
            mirror_state=MirrorState.MIRRORED,
        )
        for number in range(1, 10_001)
    ]
    Message.objects.bulk_create(rows, batch_size=500)
    del rows
    with open(os.devnull, "w+b") as out, CaptureQueriesContext(connection) as queries:
        tracemalloc.start()
        portrait.write(ayse, zipped := Counting(out), zep_seconds=1)  # type: ignore[arg-type]  # a file that counts
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert zipped.size > 0
    assert peak < 20 * 1024 * 1024, f"{peak / 1e6:.1f} MB for 20 MB of text"
    assert len(queries) < 60


class Counting:
    """A file that only counts what is written to it."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.size = out, 0

    def write(self, content: bytes) -> int:
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        self._out.flush()


def test_a_zip_can_be_read_by_anything(say: Say, ayse: User) -> None:
    say("Γεια σου, çok güzel")
    export = exports.begin(ayse)
    exports.make(export.pk)

    with zipfile.ZipFile(io.BytesIO(fetched(export.pk))) as packed:
        assert "Γεια σου, çok güzel" in packed.read("messages.json").decode()
