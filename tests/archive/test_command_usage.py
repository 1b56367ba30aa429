"""`manage.py archive` takes each argument seriously or refuses it: every pair of an action and an argument."""

from itertools import product

import pytest
from django.core.management import CommandError, call_command

from assistant.management.archives.asking import Answer, Asked
from assistant.management.archives.usage import ACTIONS, ARGUMENTS, refused
from assistant.management.commands import archive as command
from assistant.management.commands.archive import CARRY_OUT, Command

TYPED = {
    "archive": ["12"],
    "thread": ["--thread", "t1"],
    "state": ["--state", "stored"],
    "limit": ["--limit", "3"],
    "days": ["--days", "8"],
    "yes": ["--yes"],
    "operator": ["--operator", "zeki"],
    "dry_run": ["--dry-run"],
    "json": ["--json"],
}
VALUES = {
    "archive": 12,
    "thread": "t1",
    "state": "stored",
    "limit": 3,
    "days": 8,
    "yes": True,
    "operator": "zeki",
    "dry_run": True,
    "json": True,
}
USED = {  # by hand, beside the table that is tested
    "list": {"archive", "thread", "state", "limit", "json"},
    "show": {"archive", "thread", "limit", "json"},
    "verify": {"archive", "thread", "limit", "dry_run", "json"},
    "restore": {"archive", "thread", "limit", "operator", "dry_run", "json"},
    "reseal": {"archive", "thread", "limit", "operator", "dry_run", "json"},
    "run": {"thread", "limit", "dry_run", "json"},
    "adopt": {"operator", "dry_run", "json"},
    "expire": {"archive", "thread", "limit", "days", "operator", "dry_run", "json"},
}
BESIDE = {  # with this argument the action uses these, and no others
    ("run", "thread"): {"thread", "operator", "dry_run", "json"},
    ("expire", "archive"): {"archive", "yes", "operator", "dry_run", "json"},
}


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Asked, Answer]]:
    """What reached an action."""
    reached: list[tuple[Asked, Answer]] = []

    def noted(asked: Asked, answer: Answer) -> bool:
        reached.append((asked, answer))
        return True

    for action in CARRY_OUT:
        monkeypatch.setitem(command.CARRY_OUT, action, noted)
    return reached


def test_the_tables_are_whole() -> None:
    assert set(ACTIONS) == set(CARRY_OUT) == set(USED)
    parser = Command().create_parser("manage.py", "archive")
    known = {action.dest for action in parser._actions} & set(ARGUMENTS)
    assert known == set(ARGUMENTS) == set(TYPED)


@pytest.mark.parametrize(("action", "name"), list(product(USED, TYPED)))
def test_an_argument_is_used_or_refused_by_its_name(
    carried_out: list[tuple[Asked, Answer]], action: str, name: str
) -> None:
    if name in USED[action]:
        call_command("archive", action, *TYPED[name])
        [(asked, answer)] = carried_out
        given = {"operator": "actor"}.get(name, name)
        assert (answer.is_json if name == "json" else getattr(asked, given)) == VALUES[name]
        return
    with pytest.raises(CommandError, match=f"^{ARGUMENTS[name]}: `archive {action}` does not use it") as wrong:
        call_command("archive", action, *TYPED[name])
    assert wrong.value.returncode == 2
    assert carried_out == []


@pytest.mark.parametrize(("action", "beside", "name"), [(*key, name) for key in BESIDE for name in TYPED])
def test_two_arguments_go_together_or_the_second_is_refused(
    carried_out: list[tuple[Asked, Answer]], action: str, beside: str, name: str
) -> None:
    typed = [part for each in TYPED if each in {beside, name} for part in TYPED[each]]
    if name in BESIDE[action, beside]:
        call_command("archive", action, *typed)
        assert len(carried_out) == 1
        return
    with pytest.raises(CommandError, match=f"^{ARGUMENTS[name]}: .* does not use it beside {ARGUMENTS[beside]}"):
        call_command("archive", action, *typed)
    assert carried_out == []


def test_the_first_that_does_not_go_is_named_and_what_goes_is_listed() -> None:
    assert refused("run", ["days", "archive"]) == (
        "NUMBER: `archive run` does not use it; it uses --thread, --limit, --dry-run, --json"
    )
    assert refused("run", []) == ""


@pytest.mark.parametrize("action", ["run", "expire", "verify"])
@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        (["--thread", ""], "--thread: a thread's id is not empty"),
        (["--limit", "0"], "--limit: '0' is not a whole number from 1 to 2147483647"),
        (["--limit", "9" * 5_000], "--limit: '9{40}' is not a whole number"),
        (["--days", "36501"], "--days: '36501' is not a whole number from 1 to 36500"),
        (["99999999999999999999"], "archive: '99999999999999999999' is not a whole number from 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name_and_rule(
    carried_out: list[tuple[Asked, Answer]], action: str, typed: list[str], rule: str
) -> None:
    with pytest.raises(CommandError, match=rule):
        call_command("archive", action, *typed)
    assert carried_out == []
