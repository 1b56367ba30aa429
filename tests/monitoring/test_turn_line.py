"""Each chat request has one `turn` line, whatever becomes of it; the line says what the turn spent on each step."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from assistant import conversation, opaque, turns
from assistant.conversation import ThreadRef
from assistant.memory.service import refresh_context
from assistant.models import User
from assistant.turns import take_turn
from ops.zep_standin.process import StandIn
from tests.support.background import in_the_background
from tests.support.chatting import ChatClient
from tests.support.environment import LOCAL_DIR

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
Line = dict[str, Any]
STEPS = ["store", "recall", "reply", "store_reply", "nudge"]


class LogFile:
    """What this process has written to its log file since the test began."""

    def __init__(self, path: Path) -> None:
        self._path, self._start = path, path.stat().st_size

    def turns(self) -> list[Line]:
        with self._path.open("rb") as file:
            file.seek(self._start)
            lines = [json.loads(line) for line in file]
        return [line for line in lines if line["event"] == "turn"]

    def turn(self) -> Line:
        """The one line."""
        (line,) = self.turns()
        return line


@pytest.fixture
def log() -> LogFile:
    return LogFile(LOCAL_DIR / "logs" / "cli.log")


@pytest.fixture
def chat(token: str) -> ChatClient:
    return ChatClient(token)


async def test_an_answered_turn_says_who_when_how_long_and_from_where(chat: ChatClient, log: LogFile) -> None:
    thread_id = str(uuid4())
    answer = await chat.say("I need a 2 bedroom", thread_id=thread_id)

    line = log.turn()
    assert line["outcome"] == "answered"
    assert (line["thread_id"], line["client_msg_id"]) == (thread_id, answer["client_msg_id"])
    assert (line["mode"], line["cache"], line["agent"]) == ("read_write", "miss", answer["reply"]["agent"])
    assert len(line["correlation_id"]) == 32
    assert list(line["steps_ms"]) == STEPS
    assert 0 < sum(line["steps_ms"].values()) <= line["ms"] + 0.5


async def test_a_thread_that_its_user_called_after_somebody_is_told_from_others_and_not_named(
    chat: ChatClient, log: LogFile
) -> None:
    for thread_id in ("ayse-yilmaz", "ayse-yilmaz", "TC12345678901"):
        await chat.say("hello", thread_id=thread_id)

    first, second, other = (line["thread_id"] for line in log.turns())
    assert first == second != other
    assert first == opaque.name_of("ayse-yilmaz") != "ayse-yilmaz"


async def test_a_slow_step_is_seen_in_its_own_time(chat: ChatClient, log: LogFile, standin: StandIn) -> None:
    standin.fault("delay", route="read", delay_ms=120)

    await chat.say("I need a 2 bedroom")

    line = log.turn()
    assert line["steps_ms"]["recall"] > 100
    assert line["steps_ms"]["recall"] <= line["ms"]


async def test_the_cache_is_named(chat: ChatClient, log: LogFile, standin: StandIn) -> None:
    await chat.say("I need a 2 bedroom", thread_id="t1")
    await refresh_context("t1")
    await chat.say("in girne", thread_id="t1")
    await in_the_background()
    standin.fault("status", route="read", status=503)
    await chat.say("hello", thread_id="another")

    assert [line["cache"] for line in log.turns()] == ["miss", "hit", "unused"]


async def test_a_repeated_request_is_a_replay(chat: ChatClient, log: LogFile) -> None:
    said = {"message": "hello", "client_msg_id": str(uuid4()), "thread_id": "t1"}
    await chat.post(said)
    await chat.post(said)

    first, second = log.turns()
    assert (first["outcome"], second["outcome"]) == ("answered", "replayed")
    assert list(second["steps_ms"]) == ["store"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({"message": ""}, 422), ({"message": "hello", "thread_id": "0533 123 45 67"}, 422), ({}, 422)],
)
async def test_a_refused_request_has_its_line(
    chat: ChatClient, log: LogFile, body: dict[str, object], status: int
) -> None:
    assert (await chat.post(body)).status_code == status

    assert (log.turn()["outcome"], log.turn()["status"]) == ("refused", status)


async def test_bad_json_a_wrong_token_another_method_a_huge_body_have_theirs(chat: ChatClient, log: LogFile) -> None:
    await chat.post_raw(b"{")
    await ChatClient("wrong").post({"message": "hello"})
    await chat.get("/api/chat/")
    await chat.post_raw(b"x" * 70_000)

    assert [(line["outcome"], line["status"]) for line in log.turns()] == [
        ("refused", status) for status in (400, 401, 405, 413)
    ]


async def test_over_the_limits_the_line_says_so(chat: ChatClient, log: LogFile, settings: LazySettings) -> None:
    settings.CHAT_RATE_PER_MINUTE = 1
    await chat.say("hello")
    await chat.post({"message": "again"})
    settings.WEB_MAX_TURNS_IN_PROGRESS = 0
    await chat.post({"message": "again"})

    refused = [(line["outcome"], line["status"]) for line in log.turns()[1:]]
    assert refused == [("refused", 429), ("unavailable", 503)]


async def test_a_conflict_and_a_foreign_thread_have_theirs(chat: ChatClient, log: LogFile, ayse: User) -> None:
    said = {"message": "hello", "client_msg_id": str(uuid4()), "thread_id": "t1"}
    await chat.post(said)
    assert (await chat.post(said | {"message": "other"})).status_code == 409
    stranger = await User.objects.acreate(username="mehmet")
    with pytest.raises(conversation.ThreadNotFound):
        await take_turn(ThreadRef(stranger, "t1"), "hello", uuid4())

    assert [line["outcome"] for line in log.turns()] == ["answered", "conflict", "thread_not_found"]


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ValueError("call 0533 123 45 67"), (500, "crashed")),
        (OperationalError("no such column: ayse@example.com"), (503, "database_unavailable")),
    ],
)
async def test_a_turn_that_breaks_says_where_and_quotes_nobody(
    chat: ChatClient, log: LogFile, monkeypatch: pytest.MonkeyPatch, error: Exception, answer: tuple[int, str]
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(turns, "compose", break_down)
    response = await chat.post({"message": "hello", "thread_id": "t1"})

    line = log.turn()
    assert (response.status_code, line["outcome"]) == answer
    assert (line["kind"], line["level"]) == (type(error).__name__, "error")
    assert list(line["steps_ms"]) == ["store", "recall", "reply"]
    assert str(error) not in json.dumps(line)


async def test_a_user_who_goes_away_leaves_one_line(log: LogFile, ayse: User, monkeypatch: pytest.MonkeyPatch) -> None:
    recall, under_way, goes_on = turns.recall, asyncio.Event(), asyncio.Event()

    async def recall_slowly(*arguments: Any) -> Any:
        under_way.set()
        await goes_on.wait()
        return await recall(*arguments)

    monkeypatch.setattr(turns, "recall", recall_slowly)
    turn = asyncio.create_task(take_turn(ThreadRef(ayse, "t1"), "I need a 2 bedroom", uuid4()))
    await under_way.wait()

    turn.cancel()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await in_the_background()

    line = log.turn()
    assert (line["outcome"], line["agent"]) == ("cancelled", "real_estate")
    assert list(line["steps_ms"]) == STEPS


async def test_a_user_who_goes_away_before_anything_is_stored_leaves_one_line(
    log: LogFile, ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "record", lambda *_: time.sleep(0.2))
    turn = asyncio.create_task(take_turn(ThreadRef(ayse, "t1"), "hello", uuid4()))
    await asyncio.sleep(0)

    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn

    assert (log.turn()["outcome"], list(log.turn()["steps_ms"])) == ("cancelled", ["store"])
