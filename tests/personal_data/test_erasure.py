"""Erasing a person, against the real Redis and a real Zep stand-in: gone everywhere, and it stays gone."""

import json
import subprocess
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import redis as redis_py
from django.db import connection
from django.utils import timezone

from assistant import conversation, tokens
from assistant.conversation import ThreadNotFound, ThreadRef, UserGone
from assistant.events import Event
from assistant.memory import backfill, dead_letters, mirror, outbox
from assistant.memory.service import fetch_thread_context
from assistant.models import (
    Erasure,
    Message,
    MirrorState,
    Thread,
    Tombstone,
    User,
)
from assistant.personal_data import erasure, progress, sealing
from assistant.personal_data.events import ErasureStepEnded
from assistant.replies.values import Reply
from assistant.tasks import mirror_message
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import Say, finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
CANARY = "kanarya under 612 pounds in Alsancak"


def read(path: Path) -> bytes:
    """By another process: whoever closes a file loses all locks on it, and SQLite relies on those."""
    return subprocess.run(["cat", str(path)], capture_output=True, check=True).stdout


def test_a_person_is_gone_here_and_at_zep_and_the_receipt_says_so(say: Say, standin: StandIn, ayse: User) -> None:
    say(f"I need a 2 bedroom, {CANARY}")
    say("another thread", "t2")
    mirror.drain("t1")
    mirror.drain("t2")
    tokens.issue(ayse)

    done = finish(erasure.request(ayse, "op"))

    assert done.state == Erasure.State.COMPLETED
    assert done.due_at is None
    assert done.completed_at is not None
    counts = done.counts
    assert (counts["threads"], counts["messages"], counts["tokens"]) == (2, 2, 1)
    assert (counts["zep_sessions"], counts["zep_users"]) == (2, 1)
    assert not User.objects.exists()
    assert not Thread.objects.exists()
    assert not Message.objects.exists()
    assert standin.threads() == []


def test_the_receipt_holds_nothing_that_names_anybody(say: Say, ayse: User) -> None:
    say("hello", "ayse-house-hunt")
    memory_id = str(ayse.memory_id)

    done = finish(erasure.request(ayse, "op"))

    row = json.dumps(Erasure.objects.values().get(), default=str)
    assert "ayse" not in row
    assert done.thread_id == ""
    kept = {(stone.kind, stone.key) for stone in Tombstone.objects.all()}
    assert ("person", memory_id) in kept
    assert all("ayse" not in key for _, key in kept)


def test_asking_twice_is_one_erasure_with_one_receipt(say: Say, ayse: User) -> None:
    say("hello")

    first, second = erasure.request(ayse, "op"), erasure.request(ayse, "op")

    assert first.receipt == second.receipt
    assert Erasure.objects.count() == 1
    finish(first)
    with pytest.raises(UserGone):
        erasure.request(ayse, "op")


def test_zep_is_looked_at_again_only_once_a_call_under_way_must_be_over(say: Say, standin: StandIn, ayse: User) -> None:
    say("hello")
    mirror.drain("t1")
    asked = erasure.request(ayse, "op")

    wait = progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert wait is not None
    assert wait < settling_seconds() + 1
    assert asked.state == Erasure.State.SETTLING
    assert asked.due_at is not None
    assert (asked.due_at - asked.requested_at).total_seconds() >= settling_seconds()
    assert progress.carry_out(asked.pk) is None


def settling_seconds() -> float:
    """Longer than the call of a worker whose lease was taken away may be under way."""
    return (outbox.LEASE + erasure.call_time()).total_seconds()


def test_a_call_that_was_under_way_brings_nothing_back(say: Say, standin: StandIn, ayse: User) -> None:
    """A worker had committed what it sends, lost its lease to the erasure, and its call came through all the same."""
    say(CANARY)
    lease = outbox.take_lease("t1")
    assert lease is not None
    asked = erasure.request(ayse, "op")
    progress.carry_out(asked.pk)
    late_call(standin, "t1", CANARY)

    time_passes()
    before = timezone.now()
    wait = progress.carry_out(asked.pk)

    assert wait is not None
    asked.refresh_from_db()
    assert asked.due_at is not None
    assert (asked.due_at - before).total_seconds() >= settling_seconds()
    assert standin.threads() == []
    finish(asked)
    assert asked.state == Erasure.State.COMPLETED
    with pytest.raises(outbox.LeaseLost):
        outbox.renew(lease)


def late_call(standin: StandIn, thread_id: str, text: str) -> None:
    """What a client's request does that arrives although nobody waits for it any more."""
    body = {"messages": [{"uuid": str(uuid4()), "role": "user", "role_type": "user", "content": text}]}
    url = f"{standin.url}/api/v2/sessions/{thread_id}/memory"
    httpx.post(url, json=body, headers={"Authorization": f"Api-Key {standin.api_key}"}).raise_for_status()


def test_nothing_that_is_queued_or_tried_again_reaches_zep_after_the_tombstone(
    say: Say, standin: StandIn, ayse: User
) -> None:
    first, dead = say("one"), say("two", "t2")
    Message.objects.filter(client_msg_id=dead).update(mirror_state=MirrorState.DEAD, mirror_error="http_400")
    held = say("three", "t3")
    Message.objects.filter(client_msg_id=held).update(mirror_state=MirrorState.HELD)
    Thread.objects.filter(pk="t3").update(holds_messages=True)
    erasure.request(ayse, "op")
    before = standin.last_n()

    mirror_message(str(first))
    list(dead_letters.replay(dead_letters.Filter(client_msg_id=dead), actor="op", limit=10))
    list(backfill.let_go("op"))
    Thread.objects.update(mirror_due_at=timezone.now())
    for client_msg_id in (first, dead, held):
        mirror_message(str(client_msg_id))

    assert standin.log(before) == []
    Thread.objects.update(lease_until=None)  # should anything ever give the lease back
    for client_msg_id in (first, dead, held):
        mirror_message(str(client_msg_id))
    assert standin.log(before) == []


def test_an_erased_threads_id_opens_nothing_for_anybody(say: Say, ayse: User) -> None:
    say("hello")
    finish(erasure.request(ayse, "op"))
    namesake = User.objects.create_user("ayse")
    assert namesake.memory_id != ayse.memory_id

    with pytest.raises(ThreadNotFound):
        say("hello again", "t1", namesake)

    assert not Thread.objects.exists()


@pytest.mark.parametrize("thread_id", ["t1", "new", None])
def test_a_turn_that_is_under_way_can_not_speak_for_the_erased(say: Say, ayse: User, thread_id: str | None) -> None:
    say("hello")
    erasure.request(ayse, "op")

    with pytest.raises((ThreadNotFound, UserGone)):
        conversation.record(ThreadRef(ayse, thread_id), "still here", uuid4())


def test_an_answer_that_comes_after_the_erasure_is_not_stored(say: Say, ayse: User) -> None:
    recorded = conversation.record(ThreadRef(ayse, "t1"), "hello", uuid4())
    finish(erasure.request(ayse, "op"))

    with pytest.raises(ThreadNotFound):
        conversation.record_reply(recorded, Reply(text="hi", agent="general"), {})


def test_an_answer_that_comes_during_the_erasure_goes_with_it(say: Say, ayse: User) -> None:
    recorded = conversation.record(ThreadRef(ayse, "t1"), "hello", uuid4())
    asked = erasure.request(ayse, "op")
    progress.carry_out(asked.pk)
    conversation.record_reply(recorded, Reply(text="hi", agent="general"), {})

    finish(asked)

    assert asked.counts["messages"] == 2
    assert not Message.objects.exists()


def test_zep_being_away_keeps_nothing_here_and_is_tried_again(say: Say, standin: StandIn, ayse: User) -> None:
    say(CANARY)
    mirror.drain("t1")
    standin.stop()
    asked = erasure.request(ayse, "op")

    first = progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert not Message.objects.exists()
    assert (asked.state, asked.failure) == (Erasure.State.REQUESTED, "delete_at_zep: connection")
    time_passes()
    assert progress.carry_out(asked.pk) == 2 * (first or 0) == 10.0
    assert progress.pending()[0] == 1
    standin.start()
    time_passes()
    finish(asked)
    assert asked.state == Erasure.State.COMPLETED
    assert standin.threads() == []


def test_waits_grow_to_an_hour_and_it_is_never_given_up(ayse: User, say: Say, standin: StandIn) -> None:
    standin.fault("status", route="any", status=503)
    asked = erasure.request(ayse, "op")
    Erasure.objects.update(attempts=500)

    assert progress.carry_out(asked.pk) == 3600.0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 401},
        {"kind": "status", "status": 500},
        {"kind": "hang"},
    ],
)
def test_whatever_zep_answers_the_erasure_goes_on_later(
    say: Say, standin: StandIn, ayse: User, fault: dict[str, object], request: pytest.FixtureRequest
) -> None:
    if fault["kind"] == "hang":
        request.getfixturevalue("impatient")
    say("hello")
    mirror.drain("t1")
    asked = erasure.request(ayse, "op")
    standin.fault(route="any", count=1, **fault)  # type: ignore[arg-type]  # the kind is among them

    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert asked.failure
    time_passes()
    assert finish(asked).state == Erasure.State.COMPLETED
    assert standin.threads() == []


def test_what_redis_cached_of_the_person_goes(
    say: Say, standin: StandIn, ayse: User, redis_server: RedisProcess
) -> None:
    say("My budget is 612 pounds")
    mirror.drain("t1")
    fetch_thread_context("t1")
    client = redis_py.Redis.from_url(redis_server.url)
    assert holding(client, b"612")
    assert keys_of(client, "mem:ctx:*:t1:gen")

    finish(erasure.request(ayse, "op"))

    assert holding(client, b"612") == []
    assert keys_of(client, "*t1*") == []
    client.close()


def keys_of(client: "redis_py.Redis", pattern: str) -> list[bytes]:
    return list(client.scan_iter(pattern))


def holding(client: "redis_py.Redis", text: bytes) -> list[bytes]:
    """The string keys whose value contains the text."""
    keys = [key for key in keys_of(client, "*") if client.type(key) == b"string"]
    return [key for key in keys if text in bytes(client.get(key) or b"")]  # type: ignore[arg-type]  # sync: bytes


def test_redis_being_away_puts_the_end_off(say: Say, ayse: User, redis_server: RedisProcess) -> None:
    say("hello")
    asked = erasure.request(ayse, "op")
    redis_server.stop()

    progress.carry_out(asked.pk)

    asked.refresh_from_db()
    assert (asked.state, asked.failure) == (Erasure.State.REQUESTED, "forget_in_redis: RedisDown")
    assert not Message.objects.exists()


def test_others_keep_everything(say: Say, standin: StandIn, ayse: User) -> None:
    mehmet = User.objects.create_user("mehmet")
    say("mine", "theirs", mehmet)
    say("hers")
    mirror.drain("theirs")
    mirror.drain("t1")

    finish(erasure.request(ayse, "op"))

    assert Message.objects.get().text == "mine"
    assert standin.thread("theirs").contents == ["mine"]
    say("and more", "theirs", mehmet)
    mirror.drain("theirs")
    assert standin.thread("theirs").contents == ["mine", "and more"]


def test_it_is_announced_when_it_begins_waits_and_ends(ayse: User, announced: list[Event], standin: StandIn) -> None:
    standin.fault("status", route="any", status=503, count=1)

    finish(erasure.request(ayse, "op"))

    heard = [event for event in announced if isinstance(event, ErasureStepEnded)]
    assert [(event.outcome, event.failure) for event in heard] == [
        ("requested", ""),
        ("put_off", "delete_at_zep: http_503"),
        ("completed", ""),
    ]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="searches the database's file")
def test_among_many_others_no_byte_of_theirs_stays_in_the_file(say: Say, ayse: User) -> None:
    """Long and short texts of two people in turns, so that pages are split, shared and overflowed."""
    mehmet = User.objects.create_user("mehmet")
    for number in range(150):
        say(f"{CANARY} {number} " + "k" * (number * 37 % 6_000))
        say(f"his {number} " + "m" * (number * 53 % 6_000), "theirs", mehmet)
    sealing.seal()
    path = Path(str(connection.settings_dict["NAME"]))
    assert CANARY.encode() in read(path)

    finish(erasure.request(ayse, "op"))

    wal = path.with_name(f"{path.name}-wal")
    left = read(path) + (read(wal) if wal.exists() else b"")
    assert CANARY.encode() not in left
    assert b"kkkkkkkk" not in left
    assert b"his 149" in left
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone()[0] == 1
