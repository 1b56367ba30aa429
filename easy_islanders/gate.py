"""What stands before `/api/chat/`: how large a body may be, how many turns may run at once, and the counting of both.

Knows ASGI, nothing of turns. Refusing here costs no thread, no query and no memory: Django would read a body of any
size before it asked anybody.
"""

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from assistant.api.errors import error_body
from assistant.events import RequestEnded, RequestStarted, announce

Scope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CHAT_PATH = "/api/chat/"
CLIENT_WENT_AWAY = 499


class ChatGate:
    """Passes everything on; watches over chat requests."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != CHAT_PATH:
            await self._application(scope, receive, send)
            return
        noted = _NotedStatus(send)
        started = time.perf_counter()
        announce(RequestStarted())
        self._in_progress += 1
        try:
            await self._guarded(scope, receive, noted)
        finally:
            self._in_progress -= 1
            announce(RequestEnded(noted.status, time.perf_counter() - started))

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _refuse(send, 405, "method_not_allowed", "Use POST.", allow="POST")
            return
        if self._in_progress > settings.WEB_MAX_TURNS_IN_PROGRESS:
            await _refuse(send, 503, "overloaded", "Too many turns at once; try again in a moment.", retry_after="1")
            return
        body = await _read_body(receive, settings.CHAT_BODY_MAX_BYTES)
        if body is None:
            limit = settings.CHAT_BODY_MAX_BYTES // 1024
            await _refuse(send, 413, "body_too_large", f"The body may have at most {limit} KiB.")
            return
        await self._application(scope, _replay(body, receive), send)


class _NotedStatus:
    """A `send` that remembers the status of the answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = CLIENT_WENT_AWAY

    async def __call__(self, message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None as soon as it is over the limit."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that first gives the body that was read already."""
    pending: list[AsgiMessage] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replaying() -> AsgiMessage:
        return pending.pop() if pending else await receive()

    return replaying


async def _refuse(send: Send, status: int, code: str, message: str, **more: str) -> None:
    """Answer with an error; `more`: further headers, their names with underscores."""
    body = json.dumps(error_body(code, message)).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers)})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
