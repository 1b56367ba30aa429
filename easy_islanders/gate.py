"""What stands before Django: how large a body may be and how long it may take, how many turns may run at once.

Knows ASGI, nothing of turns. Refusing here costs no thread, no query and no memory: Django would read a body of any
size, from anybody, before it asked who is there.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from assistant import tracing
from assistant.api.errors import error_body
from assistant.correlation import correlated
from assistant.events import RequestEnded, RequestStarted, announce
from assistant.steps import request_under_way

Scope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CHAT_PATHS = frozenset({"/api/chat/", "/api/chat"})
CLIENT_WENT_AWAY = 499
BODY_SECONDS = 10.0


class BodyTooLarge(Exception):
    """The body is over its limit."""


class Gate:
    """Bounds every request's body and gives it an id; counts chat requests and bounds how many run at once."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        with correlated() as correlation_id:
            noted = _NotedStatus(send, correlation_id)
            if scope["path"] in CHAT_PATHS:
                await self._chat({**scope, "path": "/api/chat/", "raw_path": b"/api/chat/"}, receive, noted)
            else:
                await self._with_body(scope, receive, noted, settings.BODY_MAX_BYTES, self._application)

    async def _chat(self, scope: Scope, receive: Receive, noted: "_NotedStatus") -> None:
        with request_under_way() as request, tracing.span("POST /api/chat/", "server") as span:
            started = time.perf_counter()
            announce(RequestStarted())
            try:
                await self._posted(scope, receive, noted)
            finally:
                span.note("http.response.status_code", noted.status)
                announce(RequestEnded(noted.status, time.perf_counter() - started, request.led_to_a_turn))

    async def _posted(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await self._with_body(scope, receive, send, settings.CHAT_BODY_MAX_BYTES, self._one_of_many)
        else:
            await refuse(send, 405, "method_not_allowed", "Use POST.", allow="POST")

    async def _with_body(self, scope: Scope, receive: Receive, send: Send, limit: int, go_on: Application) -> None:
        """Read the body within its bounds, then `go_on` with it."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(receive, limit)
        except BodyTooLarge:
            text = f"The body may have at most {limit // 1024} KiB."
            await refuse(send, 413, "body_too_large", text, connection="close")
        except TimeoutError:
            await refuse(send, 408, "body_too_slow", "The body did not arrive in time.", connection="close")
        else:
            await go_on(scope, _replay(body, receive), send)

    async def _one_of_many(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._in_progress >= settings.WEB_MAX_TURNS_IN_PROGRESS:
            await refuse(send, 503, "overloaded", "Too many turns at once; try again in a moment.", retry_after="1")
            return
        self._in_progress += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self._in_progress -= 1


class _NotedStatus:
    """A `send` that remembers the status of the answer, and puts the correlation id into its head."""

    def __init__(self, send: Send, correlation_id: str) -> None:
        self._send, self._correlation_id = send, correlation_id
        self.status = CLIENT_WENT_AWAY

    async def __call__(self, message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = _encoded({"x-correlation-id": self._correlation_id})
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await self._send(message)


async def _read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raise BodyTooLarge as soon as it is over the limit."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that first gives the body that was read already."""
    pending: list[AsgiMessage] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replaying() -> AsgiMessage:
        return pending.pop() if pending else await receive()

    return replaying


async def refuse(send: Send, status: int, code: str, message: str, **more: str) -> None:
    """Answer with an error; `more`: further headers, their names with underscores."""
    body = json.dumps(error_body(code, message)).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
