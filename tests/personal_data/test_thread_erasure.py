"""Erasing one thread while its user goes on talking: what they begin meanwhile is none of the erasure's business."""

import pytest

from assistant.memory import mirror
from assistant.models import Erasure, Message, Thread, User
from assistant.personal_data import erasure, progress
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def asked(say: Say, ayse: User) -> Erasure:
    """The erasure of the first of two threads; the user has a new id at Zep from then on."""
    for thread_id in ("goes", "stays"):
        say(f"said in {thread_id}", thread_id)
        mirror.drain(thread_id)
    asked = erasure.request_thread(ayse, "goes", "op")
    ayse.refresh_from_db()
    return asked


def test_a_thread_that_is_begun_meanwhile_keeps_its_session_and_puts_nothing_off(
    asked: Erasure, say: Say, standin: StandIn
) -> None:
    for number in range(2):
        say(f"new {number}", "begun_since")
        mirror.drain("begun_since")
        progress.carry_out(asked.pk)
        assert standin.thread("begun_since").contents == [f"new {each}" for each in range(number + 1)]
        time_passes()

    asked.refresh_from_db()
    assert asked.state == Erasure.State.COMPLETED
    mirror.drain("stays")
    assert standin.thread("stays").contents == ["said in stays"]


def test_what_is_said_in_a_new_thread_meanwhile_is_told_to_zep_once(asked: Erasure, say: Say, standin: StandIn) -> None:
    say("new", "begun_since")
    mirror.drain("begun_since")

    finish(asked)
    for thread_id in ("begun_since", "stays"):
        mirror.drain(thread_id)

    assert standin.thread("begun_since").contents == ["new"]
    assert Message.objects.get(text="new").zep_generation == 0
    assert not Thread.objects.exclude(lease_until=None).exists()


def test_a_worker_that_was_overtaken_counts_nothing_anew(asked: Erasure) -> None:
    """One that was slow, and whose claim another took over, ends after it: the receipt stays as it is."""
    progress.carry_out(asked.pk)
    slow = Erasure.objects.select_related("user").get(pk=asked.pk)
    done = finish(asked)

    progress._remove_the_last_rows(slow)

    slow.refresh_from_db()
    assert (slow.state, slow.counts) == (Erasure.State.COMPLETED, done.counts)
    assert done.counts["zep_sessions"] == 1
