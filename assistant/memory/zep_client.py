"""The one place that talks to Zep, and the boundary that raw text cannot pass: it takes `RedactedText` only.

Wraps zep-python for the Community Edition. Every method is one logical call, raises `ZepRequestError` and nothing else
from the vendor, and leaves deadlines to `deadline` (writes) or to the caller (reads).
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import UUID

import aiohttp
import httpx
from django.conf import settings
from pydantic.v1 import ValidationError
from zep_python import Memory, Message
from zep_python.client import AsyncZep
from zep_python.core.api_error import ApiError

from assistant.events import ZepOperation, ZepWriteAttempted, ZepWriteRequested, announce
from assistant.loops import PerLoop
from assistant.memory.context import RemoteMessage, ThreadContext
from assistant.memory.errors import (
    ZepDuplicate,
    ZepNotFound,
    ZepRejected,
    ZepRequestError,
    ZepTimeout,
    ZepUnreachable,
    ZepUnreadable,
    error_for_status,
)
from assistant.memory.redacted import RedactedText, policy, redacted_opening
from assistant.memory.zep_messages import LATE, OutgoingMessage
from assistant.memory.zep_transport import AnswerRefused, Exchange, current_exchange, new_http_client

__all__ = ["MESSAGES_PER_CALL", "MESSAGE_MAX_CHARACTERS", "OutgoingMessage", "ZepClient", "ZepRequestError", "zep"]

MESSAGES_PER_CALL = 30  # with more, Community Edition answers 400 and stores them all the same
MESSAGE_MAX_CHARACTERS = 2_500
RECENT_MESSAGES = 10
FACTS_MAX = 50
FACT_MAX_CHARACTERS = 500
ABOUT_THE_USER = "the user"  # a search wants words; these fit every fact
SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
HTTP_ERROR = 300
VENDOR_ERRORS = (
    ApiError,
    ValueError,
    ValidationError,
    RecursionError,  # JSON nested deeper than Python's parser goes
    httpx.HTTPError,
    httpx.InvalidURL,
    aiohttp.ClientError,
    TimeoutError,
)
DUPLICATE = "uuid already exists"


class ZepClient:
    """Zep for one event loop. Ids go into paths unescaped by the library, so unsafe ones are refused here."""

    def __init__(self, base_url: str, api_key: str, *, role: str, write_timeout_seconds: float) -> None:
        self._http = new_http_client(role)
        self._zep = AsyncZep(base_url=base_url, api_key=api_key, httpx_client=self._http)
        self._write_timeout_seconds = write_timeout_seconds

    async def read_context(self, thread_id: str) -> ThreadContext:
        """The thread's last messages and the facts about its user; empty for a thread Zep does not know."""
        async with translated_errors():
            memory = await self._zep.memory.get(_safe(thread_id), lastn=RECENT_MESSAGES)
        return await asyncio.to_thread(_context, memory)  # redacting may take a while: not on the event loop

    async def search_facts(self, memory_id: UUID, words: RedactedText) -> ThreadContext:
        """What Zep knows of the user that fits `words`, whichever thread it came from."""
        async with translated_errors():
            found = await self._zep.memory.search_sessions(
                text=words.text[:MESSAGE_MAX_CHARACTERS], user_id=str(memory_id), limit=FACTS_MAX
            )
        facts = (result.fact.fact for result in found.results or () if result.fact and result.fact.fact)
        return ThreadContext(facts=await asyncio.to_thread(_clean, list(facts)))

    async def read_newest(self, thread_id: str, *, connect_seconds: float, answer_seconds: float) -> str | None:
        """The text of the thread's newest message, None where it holds none or does not exist.

        `answer_seconds` counts from when the request is sent; connecting has a time of its own.
        """
        loop = asyncio.get_running_loop()
        async with translated_errors() as exchange, asyncio.timeout(connect_seconds) as deadline:
            exchange.on_sent = lambda: deadline.reschedule(loop.time() + answer_seconds)
            memory = await self._zep.memory.get(_safe(thread_id), lastn=1)
        return memory.messages[-1].content if memory.messages else None

    async def ensure_user(self, memory_id: UUID) -> None:
        """Create the user under its opaque id, without a name; one that exists already is fine."""
        announce(ZepWriteRequested("ensure_user"))
        try:
            async with self._attempt("ensure_user", answers=(ZepRejected,)):
                await self._zep.user.add(user_id=str(memory_id))
        except ZepRejected:
            async with self._attempt("ensure_user"):
                await self._zep.user.get(str(memory_id))

    async def ensure_thread(self, thread_id: str, memory_id: UUID) -> None:
        """Create the session for its user; one that exists already is fine."""
        announce(ZepWriteRequested("ensure_thread"))
        try:
            async with self._attempt("ensure_thread", answers=(ZepRejected,)):
                await self._zep.memory.add_session(session_id=_safe(thread_id), user_id=str(memory_id))
        except ZepRejected:
            async with self._attempt("ensure_thread"):
                await self._zep.memory.get_session(thread_id)

    async def add_messages(self, thread_id: str, messages: Sequence[OutgoingMessage]) -> None:
        """Append up to 30 messages, in order. ZepRejected may mean that one of their uuids is there already."""
        announce(ZepWriteRequested("add_messages"))
        async with self._attempt("add_messages", answers=(ZepDuplicate,)):
            await self._zep.memory.add(_safe(thread_id), messages=[message.to_zep() for message in messages])

    async def mark_late(self, thread_id: str, uuid: UUID) -> None:
        """Mark a replayed message that is there already: the call that brought it knew of no replay. Repeatable."""
        announce(ZepWriteRequested("add_messages"))  # what is left to do of that call
        async with self._attempt("add_messages"):
            await self._zep.memory.update_message_metadata(_safe(thread_id), str(uuid), metadata=LATE)

    async def read_back(self, thread_id: str, uuid: UUID) -> str | None:
        """The text that Zep holds under this id in this thread, None where it holds none."""
        announce(ZepWriteRequested("read_back"))
        try:
            async with self._attempt("read_back", answers=(ZepNotFound,)):
                message = await self._zep.memory.get_session_message(_safe(thread_id), str(uuid))
        except ZepNotFound:
            return None
        return message.content or ""

    async def delete_user(self, memory_id: UUID) -> None:
        """Delete the user, their sessions, and the graph's copy of it all; one that is not there is fine."""
        announce(ZepWriteRequested("delete"))
        await self._is_there(lambda: self._zep.user.delete(str(memory_id)))

    async def delete_thread(self, thread_id: str) -> None:
        """Delete the session and its messages; the graph keeps its copy. One that is not there is fine."""
        announce(ZepWriteRequested("delete"))
        await self._is_there(lambda: self._zep.memory.delete(_safe(thread_id)))

    async def has_user(self, memory_id: UUID) -> bool:
        """Whether Zep still knows the user, or facts about them."""
        announce(ZepWriteRequested("delete"))
        if await self._is_there(lambda: self._zep.user.get(str(memory_id))):
            return True
        async with self._attempt("delete"):
            found = await self._zep.memory.search_sessions(text=ABOUT_THE_USER, user_id=str(memory_id), limit=1)
        return bool(found.results)

    async def has_thread(self, thread_id: str) -> bool:
        """Whether Zep still has the session, or messages of it."""
        announce(ZepWriteRequested("delete"))
        if await self._is_there(lambda: self._zep.memory.get_session(_safe(thread_id))):
            return True
        async with self._attempt("delete"):
            memory = await self._zep.memory.get(_safe(thread_id), lastn=1)
        return bool(memory.messages)

    async def list_messages(self, thread_id: str, page: int, *, size: int = 100) -> list[Message]:
        """One page, numbered from 1, of what Zep holds of the thread; empty behind the last."""
        async with translated_errors():
            listed = await self._zep.memory.get_session_messages(_safe(thread_id), limit=size, cursor=page)
        return listed.messages or []

    async def facts_about(self, memory_id: UUID, *, most: int = FACTS_MAX) -> tuple[str, ...]:
        """The facts held about the user, at most so many, as Zep has them."""
        async with translated_errors():
            found = await self._zep.memory.search_sessions(text=ABOUT_THE_USER, user_id=str(memory_id), limit=most)
        return tuple(each.fact.fact for each in found.results or () if each.fact and each.fact.fact)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _is_there(self, call: Callable[[], Awaitable[object]]) -> bool:
        """Make a call of an erasure; False where Zep answers that there is no such thing."""
        try:
            async with self._attempt("delete", answers=(ZepNotFound,)):
                await call()
        except ZepNotFound:
            return False
        return True

    @asynccontextmanager
    async def _attempt(
        self, op: ZepOperation, *, answers: tuple[type[ZepRequestError], ...] = ()
    ) -> AsyncIterator[None]:
        """One HTTP request of a write: under one total deadline, announced whatever becomes of it.

        `answers`: errors that are an answer to the question asked, and so no failure of the attempt.
        """
        started, reason = time.perf_counter(), ""
        try:
            async with translated_errors(), asyncio.timeout(self._write_timeout_seconds):
                yield
        except ZepRequestError as error:
            reason = "" if isinstance(error, answers) else error.reason
            raise
        finally:
            announce(ZepWriteAttempted(op, time.perf_counter() - started, reason))


@asynccontextmanager
async def translated_errors() -> AsyncIterator[Exchange]:
    """Turn whatever zep-python, httpx or a deadline raises into a `ZepRequestError` that holds no text of anyone."""
    exchange = Exchange()
    token = current_exchange.set(exchange)
    try:
        yield exchange
    except VENDOR_ERRORS as error:
        raise translate(error, exchange) from None
    finally:
        current_exchange.reset(token)


def translate(error: Exception, exchange: Exchange) -> ZepRequestError:
    """The error to raise for `error`; an HTTP error status says more than what the library made of its body."""
    if isinstance(error, TimeoutError):
        return ZepTimeout()
    return _refused(error, exchange) or _broken(error, exchange)


def _refused(error: Exception, exchange: Exchange) -> ZepRequestError | None:
    """The error of an answer with an error status, None where there was none."""
    if exchange.status_code is None or exchange.status_code < HTTP_ERROR:
        return None
    if exchange.status_code == HTTPStatus.BAD_REQUEST and isinstance(error, ApiError) and DUPLICATE in str(error.body):
        return ZepDuplicate(exchange.status_code)
    return error_for_status(exchange.status_code, exchange.retry_after)


def _broken(error: Exception, exchange: Exchange) -> ZepRequestError:
    """The error of a call without an answer, or with one that cannot be read."""
    if isinstance(error, AnswerRefused):
        return ZepUnreadable(exchange.status_code)
    # httpx-aiohttp reports every broken or refused connection as a connect *timeout*: its cause tells the truth.
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    if isinstance(cause, TimeoutError | httpx.TimeoutException):
        return ZepTimeout()
    if isinstance(cause, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | httpx.TransportError):
        return ZepUnreachable()
    return ZepUnreadable(exchange.status_code)


def _safe(identifier: str) -> str:
    if not SAFE_ID.fullmatch(identifier):
        raise ZepRejected
    return identifier


def _context(memory: Memory) -> ThreadContext:
    facts = [fact.fact for fact in memory.relevant_facts or () if fact.fact]
    recent = [m for m in (memory.messages or ())[-RECENT_MESSAGES:] if m.content]
    return ThreadContext(
        facts=_clean(facts),
        recent=tuple(RemoteMessage(m.role_type or "norole", _text_of(m)) for m in recent),
        summary=_redacted(memory.summary.content or "") if memory.summary else "",
    )


def _clean(facts: list[str]) -> tuple[str, ...]:
    return tuple(_redacted(fact, FACT_MAX_CHARACTERS) for fact in facts[:FACTS_MAX])


def _text_of(message: Message) -> str:
    """What went out redacted by today's policy needs no second look; what is from before it is redacted now."""
    text = message.content or ""
    if (message.metadata or {}).get("redacted") == policy():
        return _encodable(text)
    return _redacted(text)


def _redacted(text: str, limit: int = MESSAGE_MAX_CHARACTERS) -> str:
    return redacted_opening(_encodable(text), limit)


def _encodable(text: str) -> str:
    """Without lone surrogates, which JSON can carry and UTF-8 can not."""
    return text.encode(errors="replace").decode()


def _from_settings() -> ZepClient:
    return ZepClient(
        settings.ZEP_BASE_URL,
        settings.ZEP_API_KEY,
        role=settings.PROCESS_ROLE,
        write_timeout_seconds=settings.ZEP_WRITE_TIMEOUT_MS / 1000,
    )


_clients = PerLoop(_from_settings, ZepClient.aclose)


def zep() -> ZepClient:
    """The running event loop's client, as the settings configure it."""
    return _clients.get()
