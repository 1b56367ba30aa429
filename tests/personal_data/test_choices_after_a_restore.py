"""A backup from before a choice is put back: the ledger knows what people chose, and what was never to be sent."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from assistant.events import Event
from assistant.memory import mirror
from assistant.models import AuditEntry, Message, MirrorState, User
from assistant.personal_data import choices, erasure, ledger, repeating
from assistant.personal_data.choices import ChoiceNotWritten, choose_memory
from assistant.personal_data.events import ChoiceNotInLedger
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish
from tests.personal_data.test_after_a_restore import put_back, reapply

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server", "standin"),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="copies the database's file"),
]


def states() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("mirror_state", flat=True))


def test_who_opted_out_after_the_backup_is_out_again_and_nothing_that_waited_is_sent(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path
) -> None:
    say("kanarya waits")
    with put_back(tmp_path):
        choose_memory(ayse, memory_on=False)
    assert User.objects.get().memory_on
    before = standin.last_n()

    found = reapply(dry_run=True)
    assert (found["choices"], found["choices_forgotten"]) == (1, 1)
    assert User.objects.get().memory_on
    assert reapply()["choices_forgotten"] == 1
    say("kanarya again")
    mirror.drain("t1")

    assert not User.objects.get().memory_on
    assert states() == [MirrorState.PRIVATE, MirrorState.PRIVATE]
    assert standin.log(before) == []
    assert AuditEntry.objects.get(action="memory.choose").actor == "reapply_erasures"
    assert reapply(dry_run=True)["choices_forgotten"] == 0


def test_what_waited_at_an_opt_out_is_not_sent_although_they_opted_in_again(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path
) -> None:
    say("kanarya waits")
    with put_back(tmp_path):
        choose_memory(ayse, memory_on=False)
        choose_memory(ayse, memory_on=True)
    say("this may go")

    assert reapply(dry_run=True)["choices_forgotten"] == 1
    assert reapply()["choices_forgotten"] == 1
    mirror.drain("t1")

    assert User.objects.get().memory_on
    assert states() == [MirrorState.PRIVATE, MirrorState.MIRRORED]
    assert standin.thread("t1").contents == ["this may go"]
    assert reapply()["choices_forgotten"] == 0


def test_who_opted_in_after_the_backup_is_in_again(say: Say, ayse: User, standin: StandIn, tmp_path: Path) -> None:
    choose_memory(ayse, memory_on=False)
    with put_back(tmp_path):
        choose_memory(ayse, memory_on=True)

    assert reapply()["choices_forgotten"] == 1

    assert User.objects.get().memory_on


@pytest.mark.parametrize("chosen_first", [True, False])
def test_a_choice_finds_its_person_by_every_id_that_they_had(
    say: Say, ayse: User, standin: StandIn, tmp_path: Path, *, chosen_first: bool
) -> None:
    """Each thread's erasure gives the person a new id."""
    say("kanarya")
    say("stays", "t2")
    with put_back(tmp_path):
        for choose in (chosen_first, not chosen_first):
            if choose:
                choose_memory(ayse, memory_on=False)
            else:
                finish(erasure.request_thread(ayse, "t1", "op"))

    assert reapply()["choices_forgotten"] == 1
    for _ in range(2):
        assert reapply()["choices_forgotten"] == 0

    assert not User.objects.get().memory_on


def test_on_a_system_that_forgot_nothing_nothing_is_chosen_anew(say: Say, ayse: User, standin: StandIn) -> None:
    """What is told anew after a thread's erasure had arrived before its person opted out: it is not what waited."""
    say("kanarya")
    say("stays", "t2")
    for thread_id in ("t1", "t2"):
        mirror.drain(thread_id)
    choose_memory(ayse, memory_on=False)
    choose_memory(ayse, memory_on=True)
    finish(erasure.request_thread(ayse, "t1", "op"))
    assert states() == [MirrorState.PENDING]

    assert reapply()["choices_forgotten"] == 0

    assert states() == [MirrorState.PENDING]


def test_the_later_of_two_lines_counts_whichever_id_it_names(say: Say, ayse: User, standin: StandIn) -> None:
    """A restored database had forgotten the id of the first when the second was written."""
    say("kanarya")
    before = ayse.memory_id
    finish(erasure.request_thread(ayse, "t1", "op"))
    now = User.objects.get().memory_id
    write_line(before, memory_on=False)

    assert reapply()["choices_forgotten"] == 1
    assert not User.objects.get().memory_on

    write_line(now, memory_on=True)
    assert reapply()["choices_forgotten"] == 1
    assert User.objects.get().memory_on


def write_line(memory_id: UUID, *, memory_on: bool) -> None:
    line = {"v": 1, "event": "chosen", "memory_on": memory_on, "memory_ids": [str(memory_id)]}
    with settings.ERASURE_LEDGER.open("a") as file:
        file.write(json.dumps(line | {"at": timezone.now().isoformat()}) + "\n")


def test_an_opt_in_is_not_written_after_an_opt_out_that_overtook_it(ayse: User) -> None:
    choose_memory(ayse, memory_on=False)

    choices._write_opt_in(ayse)

    assert [entry and entry["memory_on"] for entry in ledger.read()] == [False]


def test_who_chooses_while_choices_are_repeated_has_the_last_word(ayse: User) -> None:
    User.objects.update(memory_on=False)  # since it was read

    choices.choose_again(ayse, True, None, "op")

    assert not User.objects.get().memory_on
    assert not AuditEntry.objects.exists()


def test_nobody_elses_choice_is_touched(say: Say, ayse: User, tmp_path: Path) -> None:
    mehmet = User.objects.create_user("mehmet")
    choose_memory(mehmet, memory_on=False)
    with put_back(tmp_path):
        choose_memory(ayse, memory_on=False)

    assert reapply()["choices_forgotten"] == 1

    assert not User.objects.filter(memory_on=True).exists()


def test_who_is_erased_is_not_asked_what_they_chose(say: Say, ayse: User, tmp_path: Path) -> None:
    say("kanarya")
    with put_back(tmp_path):
        choose_memory(ayse, memory_on=False)
        finish(erasure.request(ayse, "op"))

    reapply()
    for each in ayse.erasures.all():
        finish(each)

    assert not User.objects.exists()
    assert reapply()["choices_forgotten"] == 0


def test_the_line_names_nobody_and_is_there_before_the_opt_out_is_in_force(
    ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_force: list[bool] = []
    write = ledger.write_choice

    def noted(user: User, **what: Any) -> None:
        write(user, **what)
        in_force.append(what["memory_on"] == seen_by_others(ayse.pk))

    monkeypatch.setattr(ledger, "write_choice", noted)

    choose_memory(ayse, memory_on=False)
    choose_memory(ayse, memory_on=True)

    assert in_force == [False, True]
    lines = [json.loads(line) for line in settings.ERASURE_LEDGER.read_text().splitlines()]
    assert [line["memory_on"] for line in lines] == [False, True]
    assert lines[0] | {"at": ""} == {
        "v": 1,
        "event": "chosen",
        "memory_on": False,
        "memory_ids": [str(ayse.memory_id)],
        "at": "",
    }


def seen_by_others(pk: int) -> bool:
    """What is committed."""
    with closing(sqlite3.connect(f"file:{connection.settings_dict['NAME']}?mode=ro", uri=True)) as other:
        return bool(other.execute("SELECT memory_on FROM assistant_user WHERE id = ?", [pk]).fetchone()[0])


def test_without_its_ledger_an_opt_out_is_refused_and_an_opt_in_told(
    say: Say, ayse: User, announced: list[Event]
) -> None:
    say("kanarya")
    settings.ERASURE_LEDGER.mkdir()

    with pytest.raises(ChoiceNotWritten):
        choose_memory(ayse, memory_on=False)

    assert User.objects.get().memory_on
    assert states() == [MirrorState.PENDING]
    User.objects.update(memory_on=False)
    choose_memory(ayse, memory_on=True)
    assert User.objects.get().memory_on
    assert [event.memory_on for event in announced if isinstance(event, ChoiceNotInLedger)] == [False, True]


def test_who_chooses_again_what_the_ledger_did_not_take_is_written_down(say: Say, ayse: User) -> None:
    say("kanarya")
    settings.ERASURE_LEDGER.mkdir()
    User.objects.update(memory_on=False)
    choose_memory(ayse, memory_on=True)
    settings.ERASURE_LEDGER.rmdir()

    choose_memory(ayse, memory_on=True)

    assert [entry and entry["memory_on"] for entry in ledger.read()] == [True]


def test_the_last_line_about_somebody_counts_and_remembers_their_last_opt_out() -> None:
    first, second = uuid4(), uuid4()

    def line(ids: list[Any], at: str, *, memory_on: bool) -> dict[str, Any]:
        return {"event": "chosen", "memory_on": memory_on, "memory_ids": list(map(str, ids)), "at": at}

    found = repeating.latest(
        [
            line([first], "2026-01-01T00:00:00+00:00", memory_on=False),
            None,
            {"event": "completed"},
            line([second, first], "2026-01-02T00:00:00+00:00", memory_on=True),
        ]
    )

    assert found[first] == found[second]
    assert found[first].memory_on
    assert found[first].opted_out_at == datetime(2026, 1, 1, tzinfo=UTC)
