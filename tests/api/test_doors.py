"""What stands before and beside a turn: bodies, hosts, metrics, health, and what log lines may say."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
import redis
from django.conf import settings as django_settings
from pytest_django.fixtures import Settings

from assistant.api import health
from assistant.memory.guard_scripts import INITIALISED_KEY
from assistant.models import Message
from assistant.monitoring.foreign_logs import WithoutForeignText
from assistant.monitoring.logs import json_formatter
from easy_islanders import gate
from easy_islanders.asgi import application
from ops.redis_process import RedisProcess
from ops.waiting import PATIENCE_SECONDS
from ops.zep_standin.process import StandIn
from tests.support.chatting import ChatClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def chat(token: str) -> ChatClient:
    return ChatClient(token)


@pytest.mark.parametrize("path", ["/api/chat/", "/api/chat", "/healthz", "/admin/login/", "/nothing"])
async def test_no_address_takes_a_body_of_any_size(chat: ChatClient, path: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50 * 1024 * 1024:
            sent += 65_536
            yield b"x" * 65_536

    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        response = await client.post(path, content=endless())

    assert response.status_code == 413
    assert sent <= django_settings.BODY_MAX_BYTES + 2 * 65_536


async def test_a_body_that_does_not_come_holds_up_nobody(
    chat: ChatClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEB_MAX_TURNS_IN_PROGRESS = 1
    monkeypatch.setattr(gate, "BODY_SECONDS", 2.0)
    waiting = asyncio.Event()

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        waiting.set()
        await asyncio.Event().wait()

    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        slow = asyncio.create_task(client.post("/api/chat/", content=never()))
        await waiting.wait()

        assert (await chat.post({"message": "Hello"})).status_code == 200
        assert (await slow).status_code == 408


async def test_the_address_without_its_slash_is_the_same_address(token: str) -> None:
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        headers = {"Authorization": f"Bearer {token}"}
        response = await client.post("/api/chat", json={"message": "Hello"}, headers=headers)

    assert response.status_code == 200


@pytest.mark.parametrize("form", ["bearer {}", "BEARER  {}", "Bearer {} "])
async def test_the_scheme_of_a_token_is_read_as_http_says(token: str, form: str) -> None:
    client = ChatClient("")
    client.headers = {"Authorization": form.format(token)}

    assert (await client.post({"message": "Hello"})).status_code == 200


async def test_a_user_who_goes_away_stops_nothing(chat: ChatClient, standin: StandIn) -> None:
    standin.fault("delay", route="read", delay_ms=150)
    request = asyncio.create_task(chat.post({"message": "Hello", "thread_id": "left"}))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await Message.objects.filter(thread_id="left").aexists():  # noqa: ASYNC110  # the row tells nobody
            await asyncio.sleep(0.005)

    request.cancel()

    async with asyncio.timeout(PATIENCE_SECONDS):
        while await Message.objects.filter(thread_id="left").acount() < 2:  # noqa: ASYNC110  # see above
            await asyncio.sleep(0.01)


async def test_a_reply_without_extras_has_no_rich(chat: ChatClient) -> None:
    assert "rich" not in (await chat.say("thanks"))["reply"]


async def test_health_is_told_although_redis_and_zep_are_down(
    chat: ChatClient, redis_server: RedisProcess, standin: StandIn
) -> None:
    redis_server.stop()
    standin.stop()
    try:
        alive, ready = await chat.get("/healthz"), await chat.get("/readyz")
    finally:
        standin.start()

    assert alive.status_code == ready.status_code == 200
    degraded = dict.fromkeys(("redis", "broker", "zep", "guard"), "degraded")
    assert ready.json()["checks"] == {"database": "ok"} | degraded


async def test_a_fresh_process_is_ready_once_the_guards_state_is_there(
    chat: ChatClient, redis_server: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_has_seen_guard", False)
    client = redis.Redis.from_url(redis_server.url)
    client.flushall()
    before = await chat.get("/readyz")
    client.set(INITIALISED_KEY, 1)
    once_there = await chat.get("/readyz")
    client.flushall()
    lost_again = await chat.get("/readyz")

    assert (before.status_code, before.json()["checks"]["guard"]) == (503, "initialising")
    assert (once_there.status_code, once_there.json()["checks"]["guard"]) == (200, "ok")
    assert (lost_again.status_code, lost_again.json()["checks"]["guard"]) == (200, "degraded")


async def test_metrics_are_open_to_this_machine(chat: ChatClient) -> None:
    response = await chat.get("/api/metrics/")

    assert response.status_code == 200
    assert 'memory_mode_gauge{mode="read_write"} 1.0' in response.text
    assert "memory_mirror_backlog 0.0" in response.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Via", "Forwarded", "X-Forwarded-Proto"])
async def test_metrics_through_a_proxy_need_the_token(chat: ChatClient, settings: Settings, header: str) -> None:
    settings.METRICS_TOKEN = "metrics-token"

    assert (await chat.get("/api/metrics/", **{header: "8.8.8.8"})).status_code == 401
    with_token = {header: "8.8.8.8", "Authorization": "Bearer metrics-token"}
    assert (await chat.get("/api/metrics/", **with_token)).status_code == 200


async def test_where_a_proxy_is_configured_metrics_need_the_token_whoever_asks(
    chat: ChatClient, settings: Settings
) -> None:
    """A proxy on this machine may forward without a word of whom it asks for."""
    settings.METRICS_TOKEN, settings.TRUSTED_PROXIES = "metrics-token", ["127.0.0.1"]

    assert (await chat.get("/api/metrics/")).status_code == 401
    assert (await chat.get("/api/metrics/", Authorization="Bearer metrics-token")).status_code == 200


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer wrong"])
async def test_metrics_from_elsewhere_need_the_right_token(token: str, settings: Settings, sent: str) -> None:
    settings.METRICS_TOKEN = ""

    assert (await ChatClient(token, peer="10.0.0.9").get("/api/metrics/", Authorization=sent)).status_code == 401


async def test_a_host_that_is_not_ours_is_refused_in_the_apis_shape(chat: ChatClient) -> None:
    response = await chat.get("/api/openapi.json", Host="evil.example")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_request"


def logged(record: logging.LogRecord) -> str:
    """What the handler of the settings would write for the record."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(json_formatter())
    handler.addFilter(WithoutForeignText())
    handler.handle(record)
    return output.getvalue()


def test_an_exception_is_logged_by_class_and_place_without_its_words() -> None:
    try:
        try:
            raise KeyError("ayse@example.com")  # noqa: TRY301  # the context is the point
        except KeyError as error:
            raise ValueError("call 0533 123 45 67") from error
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    line = logged(logging.LogRecord("any", logging.ERROR, __file__, 1, "it_broke", (), info))

    assert "ValueError" in line
    assert "KeyError" in line
    assert "test_doors.py" in line
    assert "0533" not in line
    assert "ayse" not in line


def test_celerys_word_about_a_failed_task_does_not_quote_the_exception() -> None:
    arguments = {
        "id": "1",
        "name": "t",
        "exc": "ValueError('0533 123 45 67')",
        "traceback": "",
        "description": "raised",
    }
    record = logging.LogRecord(
        "celery.app.trace", logging.ERROR, "", 1, "Task %(name)s %(description)s: %(exc)s", (), None
    )
    record.args = arguments

    assert "0533" not in logged(record)


@pytest.mark.parametrize(
    ("name", "words"), [("django.request", "Not Found: %s"), ("django.security.DisallowedHost", "%s")]
)
def test_addresses_and_hosts_that_somebody_typed_are_not_logged(name: str, words: str) -> None:
    record = logging.LogRecord(name, logging.WARNING, "", 1, words, ("/api/ayse@example.com",), None)

    assert "ayse" not in logged(record)
