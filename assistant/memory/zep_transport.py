"""The HTTP transport under zep-python: one aiohttp pool for each event loop, bounded answers, nothing remembered.

Knows HTTP, nothing of Zep's calls. httpx's own pool is poisoned for good by cancelled requests (measured, see
`ops/decisions/001-zep-transport.md`), which a read deadline does all the time; aiohttp's is not.
"""

import email.utils
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from assistant import tracing

BODY_MAX_BYTES = 1024 * 1024
POOL_SIZE = 100
RETRY_AFTER_MAX_SECONDS = 600.0


class AnswerRefused(httpx.TransportError):
    """The answer is larger than `BODY_MAX_BYTES`, or compressed although we asked for it plain."""


@dataclass
class Exchange:
    """What the last answer's head said; zep-python's errors lose it. `on_sent` is called when a request is out."""

    status_code: int | None = None
    retry_after: float | None = None
    on_sent: Callable[[], None] | None = None


current_exchange: ContextVar[Exchange | None] = ContextVar("current_exchange", default=None)


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, at most 600; None when absent or unreadable.

    RFC 9110, 10.2.3: a number of seconds, or an HTTP date. `now`: epoch seconds.
    """
    if not value:
        return None
    if value.strip().isdecimal():
        return min(float(value), RETRY_AFTER_MAX_SECONDS)
    try:
        seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)


class BoundedStream(httpx.AsyncByteStream):
    """A body that ends with an error once it grows past the cap."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._stream:
            seen += len(chunk)
            if seen > BODY_MAX_BYTES:
                raise AnswerRefused("body over the cap")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class BoundedTransport(httpx.AsyncBaseTransport):
    """Notes each answer's status and Retry-After, caps its body, refuses compression (a small body may unpack huge)."""

    def __init__(self) -> None:
        self._inner = AiohttpTransport(client=_new_session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with tracing.span(f"{request.method} Zep", "client") as span:
            response = await self._inner.handle_async_request(request)
            span.note("http.response.status_code", response.status_code)
        exchange = current_exchange.get()
        if exchange is not None:
            exchange.status_code = response.status_code
            exchange.retry_after = retry_after_seconds(response.headers.get("retry-after"), time.time())
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise AnswerRefused("compressed body")
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  # narrows the type; the transport is async
        response.stream = BoundedStream(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def new_http_client(role: str) -> httpx.AsyncClient:
    """A client for one event loop. It has no timeouts of its own: every call runs under one total deadline."""
    headers = {"accept-encoding": "identity", "x-process-role": role}
    return httpx.AsyncClient(transport=BoundedTransport(), headers=headers, timeout=None)  # noqa: S113  # see above


def _new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=POOL_SIZE, ttl_dns_cache=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        trace_configs=[_sent_is_told()],
    )


def _sent_is_told() -> aiohttp.TraceConfig:
    """Tell the exchange under way when its connection stands and the request's head is out."""

    async def tell(*_: object) -> None:
        exchange = current_exchange.get()
        if exchange is not None and exchange.on_sent is not None:
            exchange.on_sent()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(tell)
    return tracing
