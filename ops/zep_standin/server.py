"""The HTTP server: turns requests into calls, logs what was decided of each, delivers it; knows no route."""

import asyncio
import hashlib
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from ops.zep_standin import admin, requestlog
from ops.zep_standin.batches import well_formed_uuids
from ops.zep_standin.delivery import deliver, whole
from ops.zep_standin.faults import PERFORMING, SILENT, Board, Fault, answer_of
from ops.zep_standin.holdings import Holdings
from ops.zep_standin.routing import carries_messages, perform
from ops.zep_standin.store import open_store, overwrite_deleted, transaction
from ops.zep_standin.wire import API_PREFIX, MAX_BODY_BYTES, Answer, Call, text_answer

try:
    import uvloop

    _new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
except ImportError:  # an accelerator, not on every platform
    _new_loop = asyncio.new_event_loop

BACKLOG = 1024
SHUTDOWN_TIMEOUT_S = 0.5
# What is read of an oversized body before it is refused, so that the client gets to see the refusal.
MAX_DRAINED_BYTES = 64 * 1024 * 1024

_SHA256_OF_NOTHING = hashlib.sha256().hexdigest()


class StandInServer:
    """Answers requests one decision at a time: each is decided, stored and logged in one transaction."""

    def __init__(self, held: Holdings, api_key: str) -> None:
        self.held = held
        self.api_key = api_key
        self.board = Board()
        self.stopping = asyncio.Event()

    async def respond(self, request: web.BaseRequest) -> web.StreamResponse:
        raw_path = request.raw_path.partition("?")[0]
        if raw_path == "/healthz":
            return whole(text_answer(200, "."))
        body, digest = await read_body(request)
        if raw_path == "/" or raw_path.startswith(admin.PREFIX):
            return whole(admin.answer(request, body, self.held, self.board))
        call = _call(request, raw_path, body, digest)
        fault = self.board.take(call) if raw_path.startswith(f"{API_PREFIX}/") else None
        return await deliver(request, self.decide(call, fault), fault, self.stopping)

    def decide(self, call: Call, fault: Fault | None) -> Answer:
        """Carry out what `fault` leaves of the call, and log the outcome, durably and together."""
        with transaction(self.held.db):
            performed = self._perform(call) if fault is None or fault.kind in PERFORMING else None
            answer = answer_of(fault, performed)
            silent = fault is not None and fault.kind in SILENT
            requestlog.append(self.held.db, _entry(call, None if silent else answer.status))
        if performed is not None and call.method == "DELETE":
            overwrite_deleted(self.held.db)
        return answer

    def _perform(self, call: Call) -> Answer:
        if not call.path.startswith(f"{API_PREFIX}/"):
            return text_answer(404, "404 page not found\n")
        return perform(self.held, call, self.api_key)


async def read_body(request: web.BaseRequest) -> tuple[bytes | None, str]:
    """Return the body, or None where it is too large, and the SHA-256 of what was read."""
    if not request.body_exists:
        return b"", _SHA256_OF_NOTHING
    digest, kept, size = hashlib.sha256(), bytearray(), 0
    async for chunk in request.content.iter_any():
        digest.update(chunk)
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            kept += chunk
        elif size > MAX_DRAINED_BYTES:
            break
    return (bytes(kept) if size <= MAX_BODY_BYTES else None), digest.hexdigest()


def serve(host: str, port: int, data: Path, api_key: str, *, fact_delay_s: float, with_parent: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError or sqlite3.Error without the port or the file."""
    held = Holdings(open_store(data), fact_delay_s)
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve(host, port, held, api_key, with_parent))
    finally:
        held.db.close()


async def _serve(host: str, port: int, held: Holdings, api_key: str, with_parent: bool) -> None:
    server, loop = StandInServer(held, api_key), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stopping.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), server.stopping.set)
    http = web.Server(server.respond, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(http, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        print(f"Zep stand-in listening on {_url(host, runner.addresses[0][1])}", flush=True)
        await server.stopping.wait()
    finally:
        await runner.cleanup()


def _call(request: web.BaseRequest, raw_path: str, body: bytes | None, digest: str) -> Call:
    path = _printable(raw_path)
    query = _printable(request.raw_path.partition("?")[2])
    return Call(
        method=request.method,
        path=path,
        segments=tuple(unquote(part) for part in path.removeprefix(f"{API_PREFIX}/").split("/")),
        # The first of repeated values counts, as in Go; blank ones are as if absent.
        query=dict(reversed(parse_qsl(query))) if query else {},
        body=body,
        body_sha256=digest,
        caller=_printable(request.headers.get("X-Process-Role", "")),
        authorization=_printable(request.headers.get("Authorization", "")),
        at=time.time(),
    )


def _printable(text: str) -> str:
    """Return header or path text without the surrogates that stand for bytes which are not UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _entry(call: Call, status: int | None) -> requestlog.Entry:
    uuids = _uuids(call.body) if carries_messages(call.method, call.segments) else None
    return requestlog.Entry(call.at, call.caller, call.method, call.path, status, call.body_sha256, uuids)


def _uuids(body: bytes | None) -> list[str]:
    try:
        return well_formed_uuids(json.loads(body or b"{}"))
    except (ValueError, RecursionError):
        return []


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
