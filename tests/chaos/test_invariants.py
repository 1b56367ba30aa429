"""The checker finds what it is there to find: each wrong is done to a system that was right."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis
from django.utils import timezone

from assistant import conversation
from assistant.conversation import ThreadRef
from assistant.memory import mirror
from assistant.models import Message, MirrorState, User
from assistant.publishing import publish
from assistant.tasks import mirror_message
from ops.zep_standin.process import StandIn
from tests.support import environment, invariants
from tests.support.invariants import Expectations, Report

CANARY = "canary.kuslar@example.com"
REDIS_URL = environment.ENVIRONMENT["REDIS_URL"]
Check = Callable[..., Report]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


@pytest.fixture(autouse=True)
def begins_at(ayse: User, standin: StandIn) -> int:
    """Three messages of one thread, all of them at Zep; where they begin in its log."""
    begins_at = standin.last_n()
    for number in range(3):
        conversation.record(ThreadRef(ayse, "t1"), f"m{number} {CANARY}", uuid4())
    mirror.drain("t1")
    return begins_at


@pytest.fixture
def check(standin: StandIn, own_database_url: str, begins_at: int) -> Check:
    expected = Expectations(redacted=lambda text: text.replace(CANARY, "[EMAIL]"), canaries=[CANARY], after=begins_at)
    return partial(invariants.check, standin, own_database_url, expected, redis_url=REDIS_URL)


def kinds(report: Report) -> set[str]:
    return {violation.kind for violation in report.violations}


def first() -> Message:
    return Message.objects.get(sequence=1)


def send(standin: StandIn, message: Message, **changed: Any) -> None:
    """Add a message to Zep past the mirror."""
    fields = {
        "uuid": str(uuid4()),
        "role_type": "user",
        "content": "[EMAIL]",
        "metadata": {"client_msg_id": str(message.client_msg_id)},
    } | changed
    headers = {"Authorization": f"Api-Key {standin.api_key}"}
    url = f"{standin.url}/api/v2/sessions/t1/memory"
    httpx.post(url, json={"messages": [fields]}, headers=headers).raise_for_status()


def test_a_system_that_is_right_has_no_violation(check: Check) -> None:
    report = check()

    assert report.ok, str(report)
    assert report.counts["accepted"] == report.counts["at_zep"] == 3


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"mirror_state": MirrorState.PENDING}, "not_mirrored"),
        ({"mirror_state": MirrorState.HELD}, "held"),
        ({"mirror_state": MirrorState.DEAD, "mirror_error": "http_422"}, "dead_without_cause"),
        ({"mirror_state": MirrorState.DEAD, "mirror_error": "http_422"}, "dead_but_at_zep"),
        ({"outgoing_parts": ["[EMAIL]"]}, "redacted_copy_kept"),
        ({"text": "something else"}, "wrong_text"),
        ({"role": "assistant"}, "wrong_role"),
        ({"sequence": 7}, "gap_in_sequence"),
        ({"sequence": 7}, "out_of_order"),
        ({"client_msg_id": uuid4()}, "lost"),
        ({"client_msg_id": uuid4()}, "at_zep_without_a_row"),
        ({"mirror_error": CANARY}, "personal_data"),
        ({"outgoing_parts": [CANARY]}, "personal_data"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_that_is_wrong_is_found(check: Check, changes: dict[str, Any], kind: str) -> None:
    Message.objects.filter(sequence=1).update(**changes)

    assert kind in kinds(check())


@pytest.mark.parametrize(("replayed", "counted"), [(-1, "late"), (1, "arrived_although_dead")])
def test_a_replayed_message_must_be_marked_as_late_whatever_call_brought_it(
    check: Check, replayed: int, counted: str
) -> None:
    """A stalled worker's call may bring a dead letter before its replay does."""
    Message.objects.filter(sequence=1).update(replayed_at=timezone.now() + timedelta(hours=replayed))

    report = check()

    assert kinds(report) == {"late_but_not_marked"}
    assert report.counts[counted] == 1


def test_a_message_that_is_there_twice_is_found(check: Check, standin: StandIn) -> None:
    send(standin, first())

    assert "duplicated_or_shuffled_parts" in kinds(check())


def test_a_message_that_was_taken_twice_is_found_in_the_log(check: Check, standin: StandIn) -> None:
    standin.empty()
    row = first()
    send(standin, row, uuid=str(row.zep_id))

    assert "taken_twice" in kinds(check())


def test_a_session_that_a_message_made_is_found(check: Check, standin: StandIn) -> None:
    standin.empty()
    row = first()
    send(standin, row, uuid=str(row.zep_id))

    assert "message_before_user_and_session" in kinds(check())


def in_a_value() -> None:
    redis.Redis.from_url(REDIS_URL).set("k", CANARY)


def in_a_key() -> None:
    redis.Redis.from_url(REDIS_URL).hset(CANARY, "f", "v")


def in_a_queued_task() -> None:
    assert publish(mirror_message, CANARY)


@pytest.mark.parametrize("put", [in_a_value, in_a_key, in_a_queued_task])
def test_personal_data_in_redis_is_found(check: Check, put: Callable[[], None]) -> None:
    put()

    assert kinds(check()) == {"personal_data"}


def test_personal_data_in_a_process_log_and_in_task_arguments_is_found(check: Check, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text(f'{{"error": "no such address {CANARY}"}}')

    report = check(files=[log], task_arguments=[("x", CANARY)])

    assert sorted(violation.where for violation in report.violations) == [f"file {log}", "task arguments"]


def test_the_command_line_says_what_is_wrong_without_repeating_anybodys_words(
    standin: StandIn, own_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Message.objects.filter(sequence=1).update(mirror_error=CANARY, mirror_state=MirrorState.PENDING)
    code = invariants.main(
        ["--standin", standin.url, "--database", own_database_url, "--canary", CANARY, "--redis", REDIS_URL]
    )

    said = capsys.readouterr().out
    assert code == 1
    assert "personal_data: column assistant_message.mirror_error" in said
    assert CANARY not in said
