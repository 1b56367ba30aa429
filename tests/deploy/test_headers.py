"""Every answer carries the security headers, whoever gave it, and no page holds a script that they would forbid."""

import re

import pytest
from django.contrib import admin
from django.test import Client
from pytest_django.fixtures import Settings

from easy_islanders.asgi import application
from easy_islanders.gate import AsgiMessage, Scope
from easy_islanders.headers import HEADERS, SecurityHeaders
from tests.support.chatting import ChatClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>|\son\w+=\"", re.IGNORECASE)
ADDRESSES = (
    "/healthz", "/api/docs", "/api/openapi.json", "/api/metrics/", "/admin/login/", "/static/admin/css/base.css",
    "/nothing", "/api/chat/",
)  # fmt: skip


@pytest.fixture
def chat(token: str) -> ChatClient:
    return ChatClient(token)


@pytest.mark.parametrize("path", ADDRESSES)
async def test_every_answer_carries_the_headers_once(chat: ChatClient, path: str) -> None:
    response = await chat.get(path)

    assert {name: response.headers.get_list(name) for name in HEADERS} == {name: [HEADERS[name]] for name in HEADERS}


async def test_an_answer_to_a_turn_carries_them_too(chat: ChatClient) -> None:
    response = await chat.post({"message": "Hello"})

    assert response.headers["content-security-policy"] == HEADERS["content-security-policy"]


def test_no_script_but_our_own_files_runs() -> None:
    policy = HEADERS["content-security-policy"]

    assert "default-src 'self'" in policy
    assert "script-src" not in policy  # so default-src decides: no inline script, no eval
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["/api/docs", "/admin/login/"])
async def test_public_pages_hold_no_inline_script(chat: ChatClient, path: str) -> None:
    assert INLINE_SCRIPT.findall((await chat.get(path)).text) == []


def test_pages_of_the_admin_hold_no_inline_script(admin_client: Client) -> None:
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        page = admin_client.get(path).content.decode()
        assert INLINE_SCRIPT.findall(page) == [], path


async def started(scheme: str) -> dict[bytes, bytes]:
    """The head of an answer of an application that sets one header itself."""
    heard: list[AsgiMessage] = []

    async def inner(_scope: Scope, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Frame-Options", b"SAMEORIGIN")]})  # type: ignore[operator]

    async def send(message: AsgiMessage) -> None:
        heard.append(message)

    await SecurityHeaders(inner)({"type": "http", "scheme": scheme}, None, send)  # type: ignore[arg-type]
    return dict(heard[0]["headers"])


async def test_a_header_that_is_there_is_left_alone() -> None:
    assert b"x-frame-options" not in await started("http")


async def test_browsers_are_told_to_stay_with_https_only_over_https(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 3600

    assert (await started("https"))[b"strict-transport-security"] == b"max-age=3600; includeSubDomains"
    assert b"strict-transport-security" not in await started("http")


async def test_without_https_nobody_is_told_to_stay_with_it(settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 0

    assert b"strict-transport-security" not in await started("https")


def test_the_application_is_wrapped() -> None:
    assert isinstance(application, SecurityHeaders)
