"""The mirror's drain against a real Zep stand-in: in order, exactly once, redacted, whatever Zep does."""

from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.memory import mirror
from assistant.memory.redacted import policy
from assistant.models import Message, MirrorState, Thread, User, zep_message_id
from assistant.tasks import mirror_message
from ops.waiting import wait_until
from ops.zep_standin.process import StandIn
from tests.memory.conftest import Say
from tests.support.mirroring import due_after, due_now, posts, row

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


def test_waiting_messages_arrive_redacted_in_order_under_their_own_ids(say: Say, standin: StandIn) -> None:
    sent = [say("I am ayse@example.com"), say("call 0533 123 45 67"), say("thanks")]

    mirror.drain("t1")

    held = standin.thread("t1")
    assert held.contents == ["I am [EMAIL]", "call [PHONE]", "thanks"]
    assert held.uuids == [str(zep_message_id("t1", client_msg_id)) for client_msg_id in sent]
    assert held.messages[0]["metadata"] == {"client_msg_id": str(sent[0]), "redacted": policy()}


def test_user_and_session_exist_before_the_first_message_under_opaque_ids(
    say: Say, standin: StandIn, ayse: User
) -> None:
    before = standin.last_n()
    say("hello")

    mirror.drain("t1")

    calls = [(entry["method"], entry["path"].removeprefix("/api/v2")) for entry in standin.log(before)][:3]
    assert calls == [("POST", "/users"), ("POST", "/sessions"), ("POST", "/sessions/t1/memory")]
    assert standin.thread("t1").user_id == str(ayse.memory_id)


def test_user_and_session_are_ensured_once_a_thread(say: Say, standin: StandIn) -> None:
    say("one")
    mirror.drain("t1")
    before = standin.last_n()
    say("two")

    mirror.drain("t1")

    assert [entry["path"] for entry in standin.log(before) if entry["method"] == "POST"] == [
        "/api/v2/sessions/t1/memory"
    ]


def test_user_and_session_are_ensured_for_the_first_batch_only(say: Say, standin: StandIn) -> None:
    for number in range(65):
        say(f"m{number}")
    before = standin.last_n()

    mirror.drain("t1")

    posted = [entry["path"].removeprefix("/api/v2") for entry in standin.log(before) if entry["method"] == "POST"]
    assert posted == ["/users", "/sessions", *3 * ["/sessions/t1/memory"]]


def test_the_row_says_when_and_what_was_mirrored(say: Say) -> None:
    client_msg_id = say("I am ayse@example.com, +90 533 123 45 67")

    mirror.drain("t1")

    mirrored = row(client_msg_id)
    assert mirrored.mirror_state == MirrorState.MIRRORED
    assert mirrored.mirrored_at is not None
    assert mirrored.redactions == {"email": 1, "phone": 1}
    assert len(mirrored.outgoing_sha256) == 64
    assert mirrored.outgoing_parts is None


def test_draining_twice_sends_once(say: Say, standin: StandIn) -> None:
    client_msg_id = say("hello")

    mirror_message(str(client_msg_id))
    mirror_message(str(client_msg_id))

    assert standin.thread("t1").contents == ["hello"]
    assert row(client_msg_id).mirror_attempts == 1


def test_a_nudge_for_a_message_that_does_not_exist_does_nothing(standin: StandIn) -> None:
    before = standin.last_n()

    mirror_message(str(uuid4()))

    assert standin.log(before) == []


def test_more_than_thirty_messages_go_in_batches_of_thirty(say: Say, standin: StandIn) -> None:
    for number in range(65):
        say(f"m{number}")
    before = standin.last_n()

    mirror.drain("t1")

    assert [len(entry["message_uuids"]) for entry in posts(standin, before)] == [30, 30, 5]  # type: ignore[arg-type]
    assert standin.thread("t1").contents == [f"m{number}" for number in range(65)]


def test_after_five_batches_the_thread_queues_again(say: Say, standin: StandIn) -> None:
    for number in range(151):
        say(f"m{number}")

    assert mirror.drain("t1").again_in == 0
    assert len(standin.thread("t1").contents) == 150
    assert mirror.drain("t1").again_in is None
    assert len(standin.thread("t1").contents) == 151


def test_an_over_long_message_goes_in_numbered_parts(say: Say, standin: StandIn) -> None:
    client_msg_id = say("x" * 2_500 + "y" * 2_500 + "z" * 10)

    mirror.drain("t1")

    held = standin.thread("t1")
    assert held.contents == ["x" * 2_500, "y" * 2_500, "z" * 10]
    assert held.uuids[0] == str(zep_message_id("t1", client_msg_id))
    assert len(set(held.uuids)) == 3
    assert [message["metadata"]["part"] for message in held.messages] == [1, 2, 3]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 401},
        {"kind": "status", "status": 429, "retry_after": "7"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "hang"},
        {"kind": "reset"},
        {"kind": "garbage"},
        {"kind": "empty"},
        {"kind": "store_then_500"},
        {"kind": "store_then_hang"},
        {"kind": "drip"},
    ],
    ids=lambda fault: "-".join(str(part) for part in fault.values()),
)
def test_whatever_zep_does_each_message_is_there_once_in_the_end(
    say: Say, standin: StandIn, settings: Settings, fault: dict[str, object]
) -> None:
    say("one")
    mirror.drain("t1")
    sent = [say("two"), say("three")]
    standin.fault(route="write", count=1, **fault)  # type: ignore[arg-type]  # the kind is among them

    began = timezone.now()
    mirror.drain("t1")
    assert row(sent[0]).mirror_state in {MirrorState.PENDING, MirrorState.IN_FLIGHT}
    assert due_after(began) > 0

    def all_are_mirrored() -> bool:
        due_now()
        mirror.drain("t1")
        return {row(client_msg_id).mirror_state for client_msg_id in sent} == {MirrorState.MIRRORED}

    wait_until(all_are_mirrored, "both messages to be mirrored")
    assert standin.thread("t1").contents == ["one", "two", "three"]


def test_a_retry_after_of_zep_is_kept(say: Say, standin: StandIn) -> None:
    client_msg_id = say("hello")
    standin.fault("status", route="any", status=429, retry_after="120")

    began = timezone.now()
    mirror.drain("t1")

    assert 115 < due_after(began) < 140 + (timezone.now() - began).total_seconds()
    assert row(client_msg_id).mirror_error == "rate_limited"


def test_a_worker_that_died_in_the_call_is_made_good_without_sending_twice(say: Say, standin: StandIn) -> None:
    client_msg_id = say("hello")
    mirror.drain("t1")
    Message.objects.update(mirror_state=MirrorState.IN_FLIGHT, mirrored_at=None, outgoing_parts=["hello"])
    Thread.objects.update(mirror_due_at=timezone.now())  # as it was before the acknowledgement
    before = standin.last_n()

    mirror.drain("t1")

    assert posts(standin, before) == []
    assert row(client_msg_id).mirror_state == MirrorState.MIRRORED


def test_one_message_that_is_there_already_does_not_hold_up_its_batch(say: Say, standin: StandIn) -> None:
    first = say("one")
    mirror.drain("t1")
    Message.objects.filter(client_msg_id=first).update(mirror_state=MirrorState.PENDING)  # forgot that it was sent
    say("two")

    mirror.drain("t1")

    assert standin.thread("t1").contents == ["one", "two"]
    assert not Message.objects.exclude(mirror_state=MirrorState.MIRRORED).exists()
