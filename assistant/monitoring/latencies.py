"""How long reads of Zep took in the last day, cluster-wide, in five-minute slots in Redis. Knows no page and no metric.

Each process counts reads by latency bucket in memory and adds its counts to the slot's hash (`mem:latency:v1:<slot>`)
at most every five seconds, on the background loop: nothing of it is on a turn's way but one dictionary increment. Slots
end after 25 hours. Without Redis the counts of these seconds are dropped: a gap in the picture is honest.

The cost: while there are reads, one round trip of at most 14 increments each five seconds from each process; 288 small
hashes in Redis; one pipeline of 288 reads for a picture.
"""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from redis.asyncio import Redis

from assistant import loops
from assistant.events import ContextRead, Event
from assistant.redis_link import RedisDown, state_redis

SLOT_SECONDS = 300
SLOTS = 24 * 3600 // SLOT_SECONDS
KEPT_SECONDS = 25 * 3600
TOLD_EVERY_SECONDS = 5.0
BOUNDS_MS = (5, 10, 25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 300)
OVER, FAILED = "over", "failed"

_lock = threading.Lock()
_counted: dict[int, Counter[str]] = {}
_is_planned = False


@dataclass(frozen=True)
class Slot:
    """The reads of five minutes. `p50` and `p95` in milliseconds, from buckets; None where nothing was read."""

    began: int
    reads: int
    failed: int
    p50: float | None
    p95: float | None


def observe(event: Event) -> None:
    """Count a read; see that it is told within five seconds."""
    if isinstance(event, ContextRead) and _count(event):
        loops.later(TOLD_EVERY_SECONDS, tell)


def _count(event: ContextRead) -> bool:
    """True where nobody is about to tell yet."""
    global _is_planned  # one per process by design
    slot = int(time.time()) // SLOT_SECONDS
    with _lock:
        counter = _counted.setdefault(slot, Counter())
        counter[_bucket(event.seconds * 1000)] += 1
        counter[FAILED] += bool(event.reason)
        was_planned, _is_planned = _is_planned, True
    return not was_planned


def _bucket(ms: float) -> str:
    return next((str(bound) for bound in BOUNDS_MS if ms <= bound), OVER)


async def tell() -> None:
    """Add what was counted to the slots. One round trip."""
    global _counted, _is_planned  # see above
    with _lock:
        counted, _counted, _is_planned = _counted, {}, False

    async def work(redis: Redis) -> None:
        async with redis.pipeline(transaction=False) as pipe:
            for slot, counter in counted.items():
                for name, count in counter.items():
                    if count:
                        pipe.hincrby(_key(slot), name, count)
                pipe.expire(_key(slot), KEPT_SECONDS)
            await pipe.execute()

    with suppress(RedisDown):
        await state_redis().exchange("latencies", work, patiently=True)


async def last_day(now: float) -> list[Slot]:
    """The slots of the last 24 hours, the oldest first. One round trip. Raise RedisDown."""
    newest = int(now) // SLOT_SECONDS
    slots = range(newest - SLOTS + 1, newest + 1)

    async def work(redis: Redis) -> list[Mapping[str, str]]:
        async with redis.pipeline(transaction=False) as pipe:
            for slot in slots:
                pipe.hgetall(_key(slot))
            return list(await pipe.execute())

    found = await state_redis().exchange("latencies", work, patiently=True)
    return [_slot(slot, counted) for slot, counted in zip(slots, found, strict=True)]


def _slot(slot: int, counted: Mapping[str, str]) -> Slot:
    counts = [int(counted.get(str(name), 0)) for name in (*BOUNDS_MS, OVER)]
    return Slot(
        began=slot * SLOT_SECONDS,
        reads=sum(counts),
        failed=int(counted.get(FAILED, 0)),
        p50=_quantile(counts, 0.5),
        p95=_quantile(counts, 0.95),
    )


def _quantile(counts: list[int], share: float) -> float | None:
    """Within its bucket by straight line, as Prometheus does; above the last bound that bound."""
    wanted, seen = sum(counts) * share, 0
    for lower, upper, count in zip((0, *BOUNDS_MS), BOUNDS_MS, counts, strict=False):
        if count and seen + count >= wanted:
            return lower + (upper - lower) * (wanted - seen) / count
        seen += count
    return float(BOUNDS_MS[-1]) if counts[-1] else None


def _key(slot: int) -> str:
    return f"mem:latency:v1:{slot}"
