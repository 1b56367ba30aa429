"""What guard and cache add to the call of Zep's client, one read at a time. Imports the product.

The call itself is timed inside the read it is part of, and taken off: both saw the same machine at the same moment.
Round trips are counted by Redis: by its command statistics, and beside them by how often it read from a socket.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import uvloop

from assistant import loops
from assistant.memory import context_cache, guard
from assistant.memory.context import ThreadContext
from assistant.memory.service import remember
from assistant.memory.zep_client import ZepClient
from ops.bench.goals import Goal
from ops.bench.guard_state import GuardState
from ops.bench.mirror_rig import Rig
from ops.bench.rig import percentile

SETTLE_SECONDS = 0.01  # the cache is filled, and the guard told, after the answer
GOAL_P50_MS = 1.0
ROUND_TRIPS = {"hit": 2, "miss": 4, "miss after a failure": 4, "forced": 2}
WARM_UP_READS = 30


@dataclass(frozen=True)
class Row:
    """Times in milliseconds; `round_trips` a read: the larger of both counts."""

    situation: str
    reads: int
    p50_ms: float
    p99_ms: float
    call_p50_ms: float
    round_trips: float
    commands: dict[str, float]

    def as_line(self) -> str:
        commands = " ".join(f"{name} {times:g}" for name, times in self.commands.items())
        return (
            f"{self.situation:22} {self.reads:5} reads  added p50 {self.p50_ms:6.2f} ms  p99 {self.p99_ms:6.2f} ms  "
            f"(the call itself p50 {self.call_p50_ms:5.1f} ms)  Redis round trips {self.round_trips:g}: {commands}"
        )

    def as_json(self) -> str:
        return json.dumps({"part": "overhead", **asdict(self)})


def measure(rig: Rig, threads: list[str]) -> list[Row]:
    """A row for each situation; each read is of another thread."""
    logging.disable(logging.CRITICAL)  # in the web process it goes to a pipe; here it would go to the terminal
    state = GuardState(rig.redis.url)
    state.begin_anew()
    try:
        return uvloop.run(_all(state, threads))
    finally:
        state.begin_anew()
        logging.disable(logging.NOTSET)


def goals(rows: list[Row]) -> Iterator[Goal]:
    for row in rows:
        yield Goal(f"overhead, {row.situation}, p50", row.p50_ms, GOAL_P50_MS)
        yield Goal(f"Redis round trips, {row.situation}", row.round_trips, ROUND_TRIPS[row.situation], "a read")


async def _all(state: GuardState, threads: list[str]) -> list[Row]:
    with _timed_calls() as calls:
        await _reads(threads[:WARM_UP_READS], calls, state.begin_a_streak)
        await _forget(threads)
        rows = [await _row("miss", state, threads, calls)]
        rows.append(await _row("hit", state, threads, calls))  # the misses have filled the cache
        await _forget(threads)
        rows.append(await _row("miss after a failure", state, threads, calls, state.begin_a_streak))
        await guard.force("bench", "bench", guard.AS_LONG_AS_IT_TAKES)
        rows.append(await _row("forced", state, threads, calls))
    await loops.aclose()
    return rows


async def _forget(threads: list[str]) -> None:
    for thread in threads:
        await context_cache.forget(thread)


async def _row(
    situation: str, state: GuardState, threads: list[str], calls: list[float], before: Callable[[], None] | None = None
) -> Row:
    own = state.requests_read(), state.requests_read()
    cost_of_asking = own[1] - own[0]
    commands, requests = state.commands(), state.requests_read()
    added, inner = await _reads(threads, calls, before or (lambda: None))
    requests = state.requests_read() - requests - cost_of_asking - (len(threads) if before else 0)
    counted = {name: (now - commands[name]) / len(threads) for name, now in state.commands().items()}
    return Row(
        situation,
        len(added),
        round(percentile(added, 0.5), 3),
        round(percentile(added, 0.99), 3),
        round(percentile(inner, 0.5), 1),
        round(max(sum(counted.values()), requests / len(threads)), 2),
        {name: round(times, 2) for name, times in counted.items() if times},
    )


async def _reads(threads: list[str], calls: list[float], before: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Milliseconds that each read took besides the call, and that the call took."""
    added, inner = [], []
    for thread in threads:
        before()
        calls.clear()
        started = time.perf_counter()
        await remember(thread)
        took = (time.perf_counter() - started) * 1000
        inner.append(sum(calls))
        added.append(took - inner[-1])
        await asyncio.sleep(SETTLE_SECONDS)
    return added, inner


class _timed_calls:  # noqa: N801  # a context manager
    """Times of `read_context`, in milliseconds."""

    def __enter__(self) -> list[float]:
        self._plain, calls = ZepClient.read_context, list[float]()
        plain = self._plain

        async def timed(client: ZepClient, thread_id: str) -> ThreadContext:
            started = time.perf_counter()
            try:
                return await plain(client, thread_id)
            finally:
                calls.append((time.perf_counter() - started) * 1000)

        ZepClient.read_context = timed  # type: ignore[assignment, method-assign]  # the same call, with a watch
        return calls

    def __exit__(self, *_: object) -> None:
        ZepClient.read_context = self._plain  # type: ignore[method-assign]  # as it was
