"""The product's ASGI application with a watch around its memory read, or with a rival in the read's place.

`POST /bench/begin` forgets what was measured and gives a rival a new client; `GET /bench/figures` tells what memory
took in each turn since, and how late a 5 ms timer of the event loop fired, in milliseconds. A read that has not ended
by then counts with what it has taken so far.
"""

import asyncio
import json
import os
import time
from typing import Any

from assistant import turns
from assistant.memory.service import Remembered, UserSearch, remember
from easy_islanders.asgi import application as product
from easy_islanders.gate import AsgiMessage, Receive, Scope, Send
from ops.bench.reads_rivals import RIVALS, Read

TICK_SECONDS = 0.005


class Watch:
    """Times of the read that this process uses, and of its event loop."""

    def __init__(self, rival: str) -> None:
        self._rival = rival
        self._read: Read = remember
        self._ticking: asyncio.Task[None] | None = None
        self._began: dict[object, float] = {}
        self._took: list[float] = []
        self._lag: list[float] = []

    def begin(self) -> dict[str, Any]:
        if self._rival:
            self._read = RIVALS[self._rival]()
        self._began, self._took, self._lag = {}, [], []
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return {}

    def figures(self) -> dict[str, Any]:
        if self._ticking:
            self._ticking.cancel()
        now = time.perf_counter()
        unfinished = [now - began for began in self._began.values()]
        return {"took_ms": [t * 1000 for t in self._took + unfinished], "lag_ms": [t * 1000 for t in self._lag]}

    async def remember(self, thread_id: str, *, search: UserSearch | None = None) -> Remembered:
        began, took, own, started = self._began, self._took, object(), time.perf_counter()
        began[own] = started
        try:
            return await self._read(thread_id, search=search)
        finally:
            del began[own]
            took.append(time.perf_counter() - started)

    async def _tick(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self._lag.append(time.perf_counter() - started - TICK_SECONDS)


watch = Watch(os.environ.get("BENCH_RIVAL", ""))
turns.remember = watch.remember  # type: ignore[assignment, attr-defined]  # the same call, with a watch
ENDPOINTS = {"/bench/begin": watch.begin, "/bench/figures": watch.figures}


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the bench's own questions; all else is the product's."""
    if scope["type"] == "http" and scope["path"] in ENDPOINTS:
        body = json.dumps(ENDPOINTS[scope["path"]]()).encode()
        start: AsgiMessage = {"type": "http.response.start", "status": 200, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": body})
    else:
        await product(scope, receive, send)
