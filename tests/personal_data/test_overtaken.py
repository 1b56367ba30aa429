"""Two workers with one erasure: the claim of the first ran out, and another took over. What that one did stays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from assistant.events import Event
from assistant.memory import mirror
from assistant.memory.errors import ZepUnavailable
from assistant.models import AuditEntry, Erasure, User
from assistant.personal_data import at_zep, claims, erasure, progress, sealing
from assistant.personal_data.events import ErasureStepEnded
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def asked(say: Say, ayse: User) -> Erasure:
    say("hello")
    mirror.drain("t1")
    return erasure.request(ayse, "op")


def row_of(asked: Erasure) -> dict[str, Any]:
    return dict(Erasure.objects.values().get(pk=asked.pk))


def the_claim_runs_out() -> None:
    Erasure.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let another worker do its part in the middle of the first one's call, which then ends as it ends."""

    def overtaken(module: object, name: str, by: Callable[[], object], *, fails: bool) -> None:
        call = getattr(module, name)

        def slow(*arguments: Any) -> Any:
            monkeypatch.setattr(module, name, call)
            by()
            if fails:
                raise ZepUnavailable(503)
            return call(*arguments)

        monkeypatch.setattr(module, name, slow)

    return overtaken


@pytest.mark.parametrize("fails", [True, False])
def test_what_another_worker_advanced_is_not_put_back(
    asked: Erasure, overtaken: Callable[..., None], *, fails: bool
) -> None:
    left: list[dict[str, Any]] = []

    def another() -> None:
        the_claim_runs_out()
        progress.carry_out(asked.pk)
        left.append(row_of(asked))

    overtaken(at_zep, "delete", another, fails=fails)

    assert progress.carry_out(asked.pk) is None

    assert left[0]["state"] == Erasure.State.SETTLING
    assert row_of(asked) == left[0]


@pytest.mark.parametrize("fails", [True, False])
def test_what_another_worker_completed_stays_complete_and_is_announced_once(
    asked: Erasure, overtaken: Callable[..., None], announced: list[Event], *, fails: bool
) -> None:
    progress.carry_out(asked.pk)
    time_passes()

    def another() -> None:
        the_claim_runs_out()
        assert finish(asked).state == Erasure.State.COMPLETED

    overtaken(sealing, "seal", another, fails=fails)
    progress.carry_out(asked.pk)

    row = row_of(asked)
    assert (row["state"], row["due_at"], row["failure"]) == (Erasure.State.COMPLETED, None, "")
    outcomes = [event.outcome for event in announced if isinstance(event, ErasureStepEnded)]
    assert outcomes.count("completed") == AuditEntry.objects.filter(action="erasure.complete").count() == 1
    assert "put_off" not in outcomes


def test_the_failure_of_one_takes_the_erasure_out_of_no_other_hands(
    asked: Erasure, overtaken: Callable[..., None]
) -> None:
    others: list[Erasure | None] = []

    def another() -> None:
        the_claim_runs_out()
        others.append(claims.claim(asked.pk))

    overtaken(at_zep, "delete", another, fails=True)

    assert progress.carry_out(asked.pk) is None

    row = row_of(asked)
    assert others[0] is not None
    assert (row["claimed_until"], row["failure"]) == (others[0].claimed_until, "")
    assert claims.mine(others[0]).exists()


def test_who_is_done_later_than_the_claim_lasted_has_not_worked_in_vain(
    asked: Erasure, overtaken: Callable[..., None]
) -> None:
    """Where Zep takes minutes for it, each worker is replaced before it is done: one of them has to count."""

    def another() -> None:
        the_claim_runs_out()
        assert claims.claim(asked.pk) is not None

    overtaken(at_zep, "delete", another, fails=False)

    progress.carry_out(asked.pk)

    assert row_of(asked)["state"] == Erasure.State.SETTLING


def test_who_saw_nothing_come_back_does_not_end_what_another_waits_for(
    asked: Erasure, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.carry_out(asked.pk)
    time_passes()

    def nothing_for_me_but_something_for_the_next(memory_id: UUID, threads: list[str]) -> bool:
        monkeypatch.setattr(at_zep, "delete_what_came_back", lambda memory_id, threads: True)
        the_claim_runs_out()
        progress.carry_out(asked.pk)
        return False

    monkeypatch.setattr(at_zep, "delete_what_came_back", nothing_for_me_but_something_for_the_next)
    progress.carry_out(asked.pk)

    row = row_of(asked)
    assert row["state"] == Erasure.State.SETTLING
    assert row["user_id"] is not None
