"""Moments that random runs meet once in a thousand times, made to happen: each between two steps of the mirror."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import redis as redis_py
from django.db import IntegrityError, connection
from django.utils import timezone

from assistant import conversation, loops
from assistant.conversation import ThreadRef
from assistant.memory import backfill, dead_letters, mirror, outbox, write_hold
from assistant.memory.zep_client import OutgoingMessage, ZepClient
from assistant.models import WAITING_STATES, Message, MirrorState, Thread, User, zep_message_id
from ops.zep_standin.process import StandIn
from tests.support import environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
Say = Callable[..., UUID]


@pytest.fixture
def say(ayse: User) -> Say:
    """Store a user's message without nudging anybody."""

    def say(text: str, thread_id: str = "t1") -> UUID:
        client_msg_id = uuid4()
        conversation.record(ThreadRef(ayse, thread_id), text, client_msg_id)
        return client_msg_id

    return say


def row(client_msg_id: UUID) -> Message:
    return Message.objects.get(client_msg_id=client_msg_id)


def due_now() -> None:
    """Let the time pass that threads, and the cluster, wait for."""
    client = redis_py.Redis.from_url(environment.ENVIRONMENT["REDIS_URL"])
    hold = client.get(write_hold.HOLD_KEY)
    if hold:
        client.set(write_hold.HOLD_KEY, json.dumps(json.loads(hold) | {"until": 0}))
    client.close()
    Thread.objects.filter(mirror_due_at__isnull=False).update(mirror_due_at=timezone.now() - timedelta(seconds=1))


def posts(standin: StandIn, after: int = 0) -> list[dict[str, Any]]:
    return [entry for entry in standin.log(after) if entry["method"] == "POST" and "/memory" in entry["path"]]


def zep_is_on_hold() -> bool:
    return loops.run(write_hold.state()).is_on


def hold_writing(standin: StandIn, thread_id: str) -> None:
    """An outage that one thread meets; then Zep is well again and the hold is due."""
    standin.fault("status", route="write", status=503)
    for _ in range(3):
        mirror.drain(thread_id)
        due_now()
    standin.clear()
    assert zep_is_on_hold()


# An outage is not the message's fault


def test_an_outage_that_follows_a_success_buries_nothing_although_one_thread_is_the_canary_each_time(
    say: Say, standin: StandIn
) -> None:
    say("fine", "good")
    mirror.drain("good")
    waiting = say("waits for Zep", "a")
    standin.fault("status", route="write", status=503)

    for _ in range(8):  # 2 + 4 + 8 + 16 s of hold: the success is less than a minute old
        mirror.drain("a")
        due_now()

    assert row(waiting).mirror_state in WAITING_STATES


def test_a_message_that_was_tried_two_thousand_times_waits_a_minute_like_any_other(say: Say, standin: StandIn) -> None:
    client_msg_id = say("hello")
    Message.objects.filter(client_msg_id=client_msg_id).update(mirror_attempts=2_000)
    standin.fault("status", route="write", status=503, count=1)

    assert mirror.drain("t1").again_in == 60.0


# The canary


def test_a_nudge_for_a_thread_where_nothing_waits_does_not_use_up_the_canary(say: Say, standin: StandIn) -> None:
    say("one", "idle")
    mirror.drain("idle")
    waiting = say("hello")
    hold_writing(standin, "t1")

    mirror.drain("idle")
    mirror.drain("t1")

    assert row(waiting).mirror_state == MirrorState.MIRRORED


def test_a_canary_whose_message_is_refused_ends_the_hold(say: Say, standin: StandIn) -> None:
    say("one")
    mirror.drain("t1")
    say("two")
    hold_writing(standin, "t1")
    standin.fault("status", route="write", status=422)

    mirror.drain("t1")

    assert not zep_is_on_hold()


# Exactly once


def test_an_unknown_outcome_stays_unknown_when_reading_back_meets_a_rate_limit(say: Say, standin: StandIn) -> None:
    say("one")
    mirror.drain("t1")
    client_msg_id = say("two")
    standin.fault("store_then_500", route="write", count=1)
    mirror.drain("t1")
    due_now()
    standin.fault("status", route="read", status=429, count=1)
    mirror.drain("t1")
    due_now()
    before = standin.last_n()

    mirror.drain("t1")

    assert row(client_msg_id).mirror_state == MirrorState.MIRRORED
    assert posts(standin, before) == []


def test_a_message_that_an_earlier_call_brings_at_the_last_moment_is_not_taken_for_deleted(
    say: Say, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is refused, the message is read back as absent, and then the call of a stalled worker goes through."""
    say("one")
    mirror.drain("t1")
    client_msg_id = say("two")
    standin.fault("status", route="write", status=400, count=1)
    read_back = ZepClient.read_back

    async def late_arrival(zep: ZepClient, thread_id: str, uuid: UUID) -> str | None:
        found = await read_back(zep, thread_id, uuid)
        if found is None:
            stalled_worker_sends(standin, client_msg_id, "two")
        return found

    monkeypatch.setattr(ZepClient, "read_back", late_arrival)
    mirror.drain("t1")

    assert standin.thread("t1").contents == ["one", "two"]
    assert (row(client_msg_id).mirror_state, row(client_msg_id).mirror_error) == (MirrorState.MIRRORED, "")


def stalled_worker_sends(standin: StandIn, client_msg_id: UUID, text: str) -> None:
    message = {
        "uuid": str(zep_message_id("t1", client_msg_id)),
        "role": "user",
        "role_type": "user",
        "content": text,
        "metadata": {"client_msg_id": str(client_msg_id)},
    }
    headers = {"Authorization": f"Api-Key {standin.api_key}"}
    httpx.post(
        f"{standin.url}/api/v2/sessions/t1/memory", json={"messages": [message]}, headers=headers
    ).raise_for_status()


# Replayed ones are marked


@pytest.mark.parametrize("arrives", ["before the replay", "after the replay"])
def test_a_dead_letter_that_a_stalled_worker_brings_is_marked_as_late_once_it_is_replayed(
    say: Say, standin: StandIn, arrives: str
) -> None:
    """The worker had stalled inside its call since before the message was buried: what it sends bears no mark."""
    dead = buried_between_others(say)

    if arrives == "before the replay":
        stalled_worker_sends(standin, dead, "two")
    list(dead_letters.replay(dead_letters.Filter(), actor="ayse", limit=10))
    if arrives == "after the replay":
        stalled_worker_sends(standin, dead, "two")
    mirror.drain("t1")

    assert standin.thread("t1").contents == ["one", "three", "two"]
    assert marks(standin) == [False, False, True]
    assert row(dead).mirror_state == MirrorState.MIRRORED


def test_a_worker_that_stalls_before_its_call_can_bring_what_others_have_buried_meanwhile(
    say: Say, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How a dead letter comes to be at Zep: the row's fence holds the worker back, but not its call."""
    dead = say("two")
    standin.fault("status", route="write", status=422, path="/sessions/t1/memory")
    for _ in range(3):
        mirror.drain("t1")
        due_now()
    add_messages, calls = ZepClient.add_messages, 0

    def others_go_on() -> None:
        Thread.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        mirror.drain("t1")
        standin.clear()
        say("three")
        mirror.drain("t1")
        connection.close()

    async def stalling(zep: ZepClient, thread_id: str, messages: Sequence[OutgoingMessage]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:  # the batch was refused; its message goes alone
            monkeypatch.setattr(ZepClient, "add_messages", add_messages)
            await asyncio.to_thread(others_go_on)
        await add_messages(zep, thread_id, messages)

    monkeypatch.setattr(ZepClient, "add_messages", stalling)
    mirror.drain("t1")

    assert standin.thread("t1").contents == ["three", "two"]
    assert marks(standin) == [False, False]
    assert (row(dead).mirror_state, row(dead).mirror_error) == (MirrorState.DEAD, "http_422")


def test_a_mark_that_zep_could_not_take_is_made_up_for(say: Say, standin: StandIn) -> None:
    dead = buried_between_others(say)
    stalled_worker_sends(standin, dead, "two")
    list(dead_letters.replay(dead_letters.Filter(), actor="ayse", limit=10))
    standin.fault("status", route="write", status=503, count=1, path="/sessions/t1/messages")

    mirror.drain("t1")
    assert row(dead).mirror_state == MirrorState.IN_FLIGHT
    due_now()
    mirror.drain("t1")

    assert marks(standin) == [False, False, True]
    assert row(dead).mirror_state == MirrorState.MIRRORED


def buried_between_others(say: Say) -> UUID:
    """The second of three messages is a dead letter, the others are at Zep."""
    _, dead, _ = say("one"), say("two"), say("three")
    Message.objects.filter(client_msg_id=dead).update(mirror_state=MirrorState.DEAD, mirror_error="http_422")
    mirror.drain("t1")
    return dead


def marks(standin: StandIn) -> list[bool]:
    """Which messages at Zep are marked as late."""
    return [bool(message["metadata"].get("late")) for message in standin.thread("t1").messages]


# The turn


def test_a_request_that_loses_the_race_for_its_thread_and_then_the_one_against_its_duplicate_finds_what_is_stored(
    ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL only in the wild: three requests open one thread, two of them with the same message."""
    client_msg_id, stored, tries = uuid4(), conversation._stored, 0

    def racing(*request: Any) -> conversation.Recorded:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise IntegrityError("another message's request has made the thread")
        stored(*request)  # the duplicate is faster once more
        return stored(*request)

    monkeypatch.setattr(conversation, "_stored", racing)

    recorded = conversation.record(ThreadRef(ayse, "t1"), "hello", client_msg_id)

    assert recorded.client_msg_id == client_msg_id
    assert Message.objects.count() == 1


# Nothing is stranded


@pytest.mark.parametrize("action", ["replay", "backfill"])
def test_messages_let_go_just_before_the_lease_is_released_are_still_due(
    say: Say, standin: StandIn, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """The holder has looked, found nothing more, and is about to say that nothing waits."""
    freed = say("freed")
    if action == "replay":
        say("two")
        Message.objects.filter(client_msg_id=freed).update(mirror_state=MirrorState.DEAD, mirror_error="http_422")
    else:
        Message.objects.filter(client_msg_id=freed).update(mirror_state=MirrorState.HELD)
        Thread.objects.update(holds_messages=True)
    release = outbox.release

    def operator_is_faster(lease: outbox.Lease, *, due_in: float | None) -> bool:
        monkeypatch.setattr(outbox, "release", release)
        if action == "replay":
            list(dead_letters.replay(dead_letters.Filter(), actor="ayse", limit=10))
        else:
            list(backfill.let_go("ayse"))
        return release(lease, due_in=due_in)

    monkeypatch.setattr(outbox, "release", operator_is_faster)
    mirror.drain("t1")

    assert row(freed).mirror_state == MirrorState.PENDING
    assert outbox.waiting_threads(timedelta(0), 10) == ["t1"]
