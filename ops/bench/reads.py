"""How long `fetch_thread_context` takes at 50 concurrent turns, for Zep healthy and in every fault.

Prints p50, p99 and p99.9 of its wall time, the share of reads that gave a context, and the event loop's own lag beside
them: on a busy machine that lag is in every figure.
"""

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import uvloop

from assistant import loops
from assistant.memory.service import fetch_thread_context_async
from ops.bench.rig import percentile
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn


@dataclass(frozen=True)
class Row:
    """One situation's figures; times in milliseconds."""

    situation: str
    reads: int
    p50: float
    p99: float
    p999: float
    with_context: float
    loop_lag_p99: float
    trace: dict[str, object]


def main(argv: list[str], redis: RedisProcess, standin: StandIn) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.bench reads", description=__doc__)
    parser.add_argument("--users", type=int, default=50, help="concurrent turns (default: 50)")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each situation (default: 5)")
    parser.add_argument("--pause-ms", type=int, default=100, help="between a user's turns (default: 100)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    options = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)  # a line for each failed read would be measured too
    for situation, prepare in _situations(redis, standin):
        row = uvloop.run(_measure(situation, prepare, options))
        print(json.dumps(asdict(row)) if options.json else _line(row), flush=True)
    return 0


def _situations(redis: RedisProcess, standin: StandIn) -> list[tuple[str, Callable[[], object]]]:
    def zep(kind: str, **fields: object) -> Callable[[], object]:
        def prepare() -> None:
            standin.clear()
            standin.fault(kind, route="read", **fields)

        return prepare

    return [
        ("healthy", standin.clear),
        ("cached", standin.clear),
        ("slow 200 ms", zep("delay", delay_ms=200)),
        ("hanging", zep("hang")),
        ("dripping", zep("drip")),
        ("401", zep("status", status=401)),
        ("garbage", zep("garbage")),
        ("refusing", standin.stop),
        ("redis hanging", redis.freeze),
        ("redis stopped", redis.stop),
    ]


async def _measure(situation: str, prepare: Callable[[], object], options: argparse.Namespace) -> Row:
    """Warm the connections up, bring the fault about, and measure."""
    took: list[float] = []
    contexts = 0
    trace: dict[str, object] = {}
    await asyncio.gather(*(fetch_thread_context_async(f"warm-{n}") for n in range(options.users)))
    await asyncio.sleep(0.6)
    prepare()
    until = time.perf_counter() + options.seconds
    lag = asyncio.create_task(_loop_lag(until))

    async def user(number: int) -> None:
        nonlocal contexts, trace
        turn = 0
        await asyncio.sleep(options.pause_ms / 1000 * number / options.users)
        while time.perf_counter() < until:
            thread = f"bench-{number}" if situation == "cached" else f"bench-{number}-{turn}-{situation[:3]}".strip()
            started = time.perf_counter()
            context, trace = await fetch_thread_context_async(thread.replace(" ", "_"))
            took.append((time.perf_counter() - started) * 1000)
            contexts += context is not None
            turn += 1
            await asyncio.sleep(options.pause_ms / 1000)

    await asyncio.gather(*(user(number) for number in range(options.users)))
    lags = await lag
    await loops.aclose()
    figures = {share: round(percentile(took, share), 1) for share in (0.5, 0.99, 0.999)}
    share = round(contexts / len(took), 3)
    return Row(situation, len(took), figures[0.5], figures[0.99], figures[0.999], share, percentile(lags, 0.99), trace)


async def _loop_lag(until: float) -> list[float]:
    """How late a 5 ms timer of this loop fires, in milliseconds."""
    lags = []
    while time.perf_counter() < until:
        started = time.perf_counter()
        await asyncio.sleep(0.005)
        lags.append(round((time.perf_counter() - started - 0.005) * 1000, 1))
    return lags


def _line(row: Row) -> str:
    return (
        f"{row.situation:14} {row.reads:7} reads  p50 {row.p50:6} ms  p99 {row.p99:6} ms  p99.9 {row.p999:6} ms  "
        f"context {row.with_context:5.1%}  loop lag p99 {row.loop_lag_p99:5} ms  {json.dumps(row.trace)}"
    )
