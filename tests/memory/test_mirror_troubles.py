"""What stops a message or a thread on its way to Zep: refusals, other holders, redaction that fails, switches."""

from datetime import timedelta

import httpx
import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.memory import mirror, outbox
from assistant.memory.backlog import OVERDUE
from assistant.memory.pii import redact_pii
from assistant.memory.redacted import policy
from assistant.memory.service import fetch_thread_context
from assistant.models import Message, MirrorState, Thread
from ops.zep_standin.process import StandIn
from tests.memory.conftest import Say
from tests.support.mirroring import due_now, row

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def test_a_refused_message_is_tried_three_times_more_while_its_thread_waits_then_buried(
    say: Say, standin: StandIn
) -> None:
    say("one")
    mirror.drain("t1")
    bad, good = say("two"), say("three")
    standin.fault("status", route="write", status=422)

    waits = []
    for _ in range(3):
        waits.append(mirror.drain("t1").again_in)
        assert row(good).mirror_state != MirrorState.MIRRORED
        due_now()
    standin.clear()
    standin.fault("status", route="write", status=422, count=2)  # the batch, then its first message alone
    mirror.drain("t1")

    assert waits == [1.0, 2.0, 4.0]
    assert (row(bad).mirror_state, row(bad).mirror_error) == (MirrorState.DEAD, "http_422")
    assert row(good).mirror_state == MirrorState.MIRRORED
    assert standin.thread("t1").contents == ["one", "three"]


def test_a_message_that_brings_server_errors_while_others_go_through_is_buried_in_the_end(
    say: Say, standin: StandIn
) -> None:
    for thread_id in ("bad", "good"):
        say("hello", thread_id)
        mirror.drain(thread_id)
    culprit, behind = say("culprit", "bad"), say("behind", "bad")
    standin.fault("status", route="write", status=500, path="/sessions/bad/memory")

    for number in range(6):  # the first may be the beginning of an outage; five more are its own
        say(f"fine {number}", "good")
        mirror.drain("good")
        mirror.drain("bad")
        due_now()
    standin.clear()
    mirror.drain("bad")

    assert (row(culprit).mirror_state, row(culprit).mirror_error) == (MirrorState.DEAD, "http_500")
    assert row(behind).mirror_state == MirrorState.MIRRORED


def test_server_errors_for_everyone_bury_nothing_however_often(say: Say, standin: StandIn) -> None:
    sent = [say("hello", thread_id) for thread_id in ("a", "b")]
    standin.fault("status", route="write", status=503)

    for _ in range(12):
        mirror.drain("a")
        mirror.drain("b")
        due_now()
    standin.clear()
    for thread_id in ("a", "b", "a", "b"):
        mirror.drain(thread_id)
        due_now()

    assert {row(client_msg_id).mirror_state for client_msg_id in sent} == {MirrorState.MIRRORED}
    assert {row(client_msg_id).mirror_strikes for client_msg_id in sent} == {0}


def test_a_message_with_our_id_and_another_text_at_zep_is_never_overwritten(say: Say, standin: StandIn) -> None:
    client_msg_id = say("what we know")
    mirror.drain("t1")
    Message.objects.update(mirror_state=MirrorState.IN_FLIGHT, outgoing_parts=["what we say now"])
    Thread.objects.update(mirror_due_at=timezone.now())

    mirror.drain("t1")

    assert (row(client_msg_id).mirror_state, row(client_msg_id).mirror_error) == (MirrorState.DEAD, "conflict")
    assert standin.thread("t1").contents == ["what we know"]


def test_a_message_that_was_deleted_at_zep_is_not_brought_back(say: Say, standin: StandIn) -> None:
    client_msg_id = say("hello")
    mirror.drain("t1")
    httpx.delete(
        f"{standin.url}/api/v2/sessions/t1/memory", headers={"Authorization": f"Api-Key {standin.api_key}"}
    ).raise_for_status()
    Message.objects.update(mirror_state=MirrorState.PENDING)
    Thread.objects.update(mirror_due_at=timezone.now())

    mirror.drain("t1")

    assert (row(client_msg_id).mirror_state, row(client_msg_id).mirror_error) == (MirrorState.DEAD, "remote_deleted")


def test_while_somebody_else_holds_the_thread_nothing_is_sent(say: Say, standin: StandIn) -> None:
    client_msg_id = say("hello")
    assert outbox.take_lease("t1") is not None
    before = standin.last_n()

    mirror.drain("t1")

    assert standin.log(before) == []
    assert row(client_msg_id).mirror_state == MirrorState.PENDING


def test_a_lease_that_ran_out_can_be_taken_over_and_its_old_holder_changes_nothing(say: Say) -> None:
    client_msg_id = say("hello")
    stale = outbox.take_lease("t1")
    assert stale is not None
    Thread.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    fresh = outbox.take_lease("t1")
    assert fresh is not None

    with pytest.raises(outbox.LeaseLost):
        outbox.acknowledge(stale, [row(client_msg_id)], timezone.now())
    outbox.release(stale, due_in=0.0)

    assert row(client_msg_id).mirror_state == MirrorState.PENDING
    assert outbox.take_lease("t1") is None
    assert fresh.fence > stale.fence


def test_a_message_whose_redaction_fails_is_held_and_never_sent(
    say: Say, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = say("one"), say("two")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("assistant.memory.redacted.redact_pii", broken)

    mirror.drain("t1")

    assert standin.thread("t1").contents == []
    assert row(first).mirror_state == MirrorState.HELD
    assert row(first).mirror_error == "redaction_failed"
    assert row(second).mirror_state == MirrorState.PENDING


def test_nothing_overtakes_a_message_that_cannot_be_redacted(
    say: Say, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(65):
        say(f"m{number}")

    def broken_for_one(raw: str, **options: bool) -> object:
        if raw == "m10":
            raise RuntimeError
        return redact_pii(raw, **options)

    monkeypatch.setattr("assistant.memory.redacted.redact_pii", broken_for_one)

    mirror.drain("t1")

    assert standin.thread("t1").contents == [f"m{number}" for number in range(10)]


def test_with_writing_off_messages_are_held(say: Say, standin: StandIn, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = settings.FLAG_ZEP_WRITE = False
    client_msg_id = say("hello")

    mirror.drain("t1")

    assert row(client_msg_id).mirror_state == MirrorState.HELD
    assert standin.thread("t1").contents == []


def test_after_the_mirror_the_next_read_is_a_fresh_cache_hit(say: Say) -> None:
    say("I need a 2 bedroom in Girne")

    mirror.drain("t1")

    context, meta = fetch_thread_context("t1")
    assert meta["cached"] is True
    assert context is not None
    assert context.recent[-1].text == "I need a 2 bedroom in Girne"


def test_the_sweep_finds_each_waiting_thread_once_the_longest_waiting_first(say: Say) -> None:
    say("one", "a")
    say("two", "a")
    say("three", "b")
    now = timezone.now()
    Thread.objects.filter(pk="a").update(mirror_due_at=now - timedelta(minutes=1))
    Thread.objects.filter(pk="b").update(mirror_due_at=now - timedelta(minutes=2))

    assert outbox.waiting_threads(OVERDUE, 10) == ["b", "a"]


def test_the_sweep_leaves_alone_what_is_young_leased_or_not_due(say: Say) -> None:
    for thread_id in ("young", "leased", "later"):
        say("hello", thread_id)
    now = timezone.now()
    Thread.objects.filter(pk="leased").update(mirror_due_at=now - timedelta(hours=1))
    assert outbox.take_lease("leased") is not None
    Thread.objects.filter(pk="later").update(mirror_due_at=now + timedelta(hours=1))

    assert outbox.waiting_threads(timedelta(minutes=5), 10) == []


def test_what_was_redacted_by_an_older_policy_goes_out_under_its_name(
    say: Say, standin: StandIn, settings: Settings
) -> None:
    say("hello")
    mirror.drain("t1")
    settings.PII_REDACT_PHONE = False
    then = policy()
    say("call 0533 123 45 67")
    standin.fault("status", route="write", status=503, count=1)
    mirror.drain("t1")
    settings.PII_REDACT_PHONE = True
    due_now()
    mirror.drain("t1")

    assert standin.thread("t1").messages[1]["metadata"]["redacted"] == then != policy()
    context, _ = fetch_thread_context("t1")
    assert context is not None
    assert [recent.text for recent in context.recent] == ["hello", "call [PHONE]"]
