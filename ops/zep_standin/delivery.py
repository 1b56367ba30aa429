"""How an answer, or none, reaches the client: whole, late, in drops, or cut off; never what it says."""

import asyncio
import socket
import struct

from aiohttp import web

from ops.zep_standin.faults import Fault, Kind
from ops.zep_standin.wire import Answer

MAX_HANG_S = 600.0
DRIP_INTERVAL_S = 0.1
HUGE_BLOCK = b"x" * 65536
HUGE_BLOCKS = 144  # 9 MiB

_NO_LINGER = struct.pack("ii", 1, 0)


async def deliver(
    request: web.BaseRequest, answer: Answer, fault: Fault | None, stopping: asyncio.Event
) -> web.StreamResponse:
    """Send `answer` as `fault` wants it. Ends early when the server is `stopping` or the client has gone."""
    if fault is None:
        return whole(answer)
    if fault.delay_ms:
        await _pause(fault.delay_ms / 1000, stopping)
    match fault.kind:
        case Kind.HANG | Kind.STORE_THEN_HANG:
            await _pause(MAX_HANG_S, stopping)
            return _cut(request, reset=False)
        case Kind.RESET:
            return _cut(request, reset=True)
        case Kind.DRIP:
            return await _drip(request, answer, stopping)
        case Kind.HUGE:
            return await _flood(request)
    return whole(answer)


def whole(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _pause(seconds: float, stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


def _cut(request: web.BaseRequest, *, reset: bool) -> web.Response:
    """Close the connection under the request; with `reset` by a TCP RST (a linger time of 0)."""
    if request.transport is not None:
        sock: socket.socket | None = request.transport.get_extra_info("socket")
        if reset and sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        request.transport.abort()
    return web.Response()


async def _drip(request: web.BaseRequest, answer: Answer, stopping: asyncio.Event) -> web.StreamResponse:
    """Send the head at once and the body a byte at a time."""
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    response.content_length = len(answer.body)
    await response.prepare(request)
    for at in range(len(answer.body)):
        await _pause(DRIP_INTERVAL_S, stopping)
        if stopping.is_set():
            return _cut(request, reset=False)
        await response.write(answer.body[at : at + 1])
    await response.write_eof()
    return response


async def _flood(request: web.BaseRequest) -> web.StreamResponse:
    """Send valid JSON in the shape of a memory that nobody should want to hold."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"messages":[],"relevant_facts":[{"fact":"')
    for _ in range(HUGE_BLOCKS):
        await response.write(HUGE_BLOCK)
    await response.write(b'"}]}')
    await response.write_eof()
    return response
