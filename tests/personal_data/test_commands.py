"""`manage.py erase_user`."""

import io
import json
import sys
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from assistant.models import AuditEntry, Erasure, User
from tests.personal_data.conftest import Say

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def erase(user: str, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("erase_user", user, json=True, stdout=out, **options)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_an_operator_erases_a_person_and_gets_the_receipt(say: Say) -> None:
    say("hello")

    answer = erase("ayse", yes=True, operator="op")

    assert answer["receipt"] == Erasure.objects.get().receipt
    assert answer["held"]["messages"] == 1
    assert AuditEntry.objects.get(action="erasure.request").actor == "op"


def test_a_dry_run_counts_and_changes_nothing(say: Say) -> None:
    say("hello")

    held = erase("ayse", dry_run=True)["would_erase"]

    assert (held["threads"], held["messages"]) == (1, 1)
    assert not Erasure.objects.exists()
    assert User.objects.get().is_active


def test_without_yes_and_without_a_terminal_nothing_happens(ayse: User) -> None:
    with pytest.raises(CommandError, match="--yes"):
        erase("ayse")
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("is_last", [True, False])
def test_the_last_superuser_stays(ayse: User, is_last: bool) -> None:
    User.objects.update(is_superuser=True)
    if not is_last:
        User.objects.create_superuser("mehmet")
        erase("ayse", yes=True)
        assert Erasure.objects.exists()
        return
    with pytest.raises(SystemExit) as ended:
        erase("ayse", yes=True)
    assert ended.value.code == 1


@pytest.mark.django_db
def test_somebody_who_does_not_exist_is_named_as_such() -> None:
    with pytest.raises(SystemExit) as ended:
        erase("nobody", yes=True)
    assert ended.value.code == 1


class Terminal(StringIO):
    """Where somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "goes"), [("ayse\n", True), ("Ayse\n", False), ("", False)])
def test_the_question_is_no_part_of_the_answer(
    ayse: User, monkeypatch: pytest.MonkeyPatch, typed: str, *, goes: bool
) -> None:
    out, asked = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    code = 0

    try:
        call_command("erase_user", "ayse", "--json", stdout=out, stderr=asked)
    except SystemExit as ended:
        code = int(str(ended.code))

    assert "will be erased for good. Type the user's name" in asked.getvalue()
    assert (code, Erasure.objects.exists()) == ((0, True) if goes else (1, False))
    assert "receipt" in json.loads(out.getvalue()) if goes else out.getvalue() == ""


def test_a_rehearsal_refuses_whom_the_real_run_refuses(ayse: User) -> None:
    User.objects.update(is_superuser=True)

    with pytest.raises(SystemExit) as ended:
        erase("ayse", dry_run=True)

    assert ended.value.code == 1
