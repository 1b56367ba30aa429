"""Erasing where nobody said where Zep is: done where Zep was never told anything, and waiting for it where it was."""

from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.memory import mirror
from assistant.models import Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, ledger, progress
from assistant.personal_data.choices import choose_memory
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture(autouse=True)
def nowhere(settings: Settings) -> None:
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    settings.ZEP_BASE_URL = settings.ZEP_API_KEY = ""


def waits_for_zep(asked: Erasure) -> bool:
    for _ in range(2):
        progress.carry_out(asked.pk)
        time_passes()
    asked.refresh_from_db()
    return (asked.state, asked.failure) == (Erasure.State.REQUESTED, "delete_at_zep: zep_not_configured")


def test_where_zep_was_never_told_anything_the_erasure_completes(say: Say, ayse: User) -> None:
    say("kanarya")

    done = finish(erasure.request(ayse, "op"))

    assert done.state == Erasure.State.COMPLETED
    assert (done.counts["threads_told_to_zep"], done.counts["zep_sessions"]) == (0, 0)
    assert not User.objects.exists()


def test_so_does_that_of_one_thread_and_that_of_who_opted_out(say: Say, ayse: User) -> None:
    say("kanarya")
    say("stays", "t2")
    assert finish(erasure.request_thread(ayse, "t1", "op")).state == Erasure.State.COMPLETED
    choose_memory(ayse, memory_on=False)
    say("private", "t3")

    assert finish(erasure.request(ayse, "op")).state == Erasure.State.COMPLETED


def test_what_expired_before_it_was_told_was_not_told(say: Say, ayse: User) -> None:
    say("kanarya")
    Message.objects.update(mirror_state=MirrorState.DEAD, mirror_error="expired", discarded_at=timezone.now())

    assert finish(erasure.request(ayse, "op")).state == Erasure.State.COMPLETED


@pytest.mark.parametrize(
    "message",
    [
        {"mirror_state": MirrorState.MIRRORED},
        {"mirror_state": MirrorState.IN_FLIGHT},
        {"mirror_state": MirrorState.PRIVATE, "mirror_attempts": 1},
        {"mirror_state": MirrorState.PENDING, "mirror_error": "timeout"},
    ],
)
def test_where_zep_may_know_something_of_the_person_the_erasure_waits_for_it(
    say: Say, ayse: User, message: dict[str, Any]
) -> None:
    say("never told")
    say("kanarya", "t2")
    Message.objects.filter(thread_id="t2").update(**message)
    asked = erasure.request(ayse, "op")

    assert waits_for_zep(asked)
    assert not Message.objects.exists()


def test_a_session_without_messages_is_waited_for_too(say: Say, ayse: User) -> None:
    say("kanarya")
    Thread.objects.update(known_to_zep_at=timezone.now())

    assert waits_for_zep(erasure.request(ayse, "op"))


def test_once_zep_is_back_what_waited_for_it_is_completed(
    say: Say, ayse: User, standin: StandIn, settings: Settings
) -> None:
    settings.ZEP_BASE_URL, settings.ZEP_API_KEY = standin.url, standin.api_key
    settings.FLAG_ZEP_WRITE = True
    say("kanarya")
    mirror.drain("t1")
    settings.ZEP_BASE_URL = ""
    asked = erasure.request(ayse, "op")
    assert waits_for_zep(asked)
    settings.ZEP_BASE_URL = standin.url

    assert finish(asked).state == Erasure.State.COMPLETED
    assert standin.threads() == []


def test_an_erasure_of_before_this_was_counted_waits(say: Say, ayse: User) -> None:
    say("kanarya")
    asked = erasure.request(ayse, "op")
    counts = {name: count for name, count in asked.counts.items() if name != "threads_told_to_zep"}
    Erasure.objects.update(counts=counts)

    assert waits_for_zep(asked)


@pytest.mark.parametrize("told", [True, False])
def test_the_ledger_says_after_a_backup_was_put_back_whether_zep_was_told(say: Say, ayse: User, *, told: bool) -> None:
    say("kanarya")
    Message.objects.update(mirror_attempts=int(told))
    asked = erasure.request(ayse, "op")
    ledger.write_request(Erasure.objects.get())
    Erasure.objects.all().delete()
    User.objects.all().delete()

    call_command("reapply_erasures", json=True)

    again = Erasure.objects.get(receipt=asked.receipt)
    assert waits_for_zep(again) is told
    assert told or finish(again).state == Erasure.State.COMPLETED
