"""Turns while the broker is well, away or frozen, whole and in their nudge. Imports the product: see `broker_down`."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

from assistant import publishing, turns
from assistant.conversation import ThreadRef
from assistant.models import User
from assistant.nudge import nudge_mirror
from assistant.tasks import mirror_message
from ops.bench.rig import percentile
from ops.redis_process import RedisProcess

WARM_UP_TURNS = 5
SETTLE_SECONDS = 0.2  # a nudge that was given up still runs in its thread for its own timeout

Times = list[tuple[float, float]]


def measure(broker: RedisProcess, rounds: int, following: int) -> list[dict[str, object]]:
    """Rows of medians and maxima in milliseconds: the first turn of each round, and those that follow it."""
    logging.disable(logging.CRITICAL)  # a line for each failure would be measured too
    turns.nudge_mirror = _timed_nudge  # type: ignore[attr-defined]  # the same call, with a watch
    return asyncio.run(_all(broker, rounds, following))


async def _all(broker: RedisProcess, rounds: int, following: int) -> list[dict[str, object]]:
    user = await User.objects.acreate(username="bench")
    await asyncio.to_thread(publishing.warm_up, mirror_message)
    await _turns(user, WARM_UP_TURNS)
    rows: list[dict[str, object]] = []
    for situation, begin, end in _situations(broker):
        await asyncio.to_thread(begin)
        first, others = [], []
        for _ in range(rounds):
            publishing.breaker.succeeded()  # as when its pause is over
            first += await _turns(user, 1)
            others += await _turns(user, following)
            await asyncio.sleep(SETTLE_SECONDS)
        await asyncio.to_thread(end)
        rows += [_row(situation, "first", first), _row(situation, "following", others)]
    return rows


def _situations(broker: RedisProcess) -> Iterator[tuple[str, Callable[[], object], Callable[[], object]]]:
    def nothing() -> None: ...

    yield "well", nothing, nothing
    yield "frozen", broker.freeze, broker.thaw
    yield "refusing", broker.stop, broker.start


async def _turns(user: User, count: int) -> Times:
    """Take turns in a thread of their own; seconds of each turn, and of its nudge."""
    thread, times = ThreadRef(user, str(uuid4())), []
    for _ in range(count):
        started = time.perf_counter()
        await turns.take_turn(thread, "a 2 bedroom flat in Girne", uuid4())
        times.append((time.perf_counter() - started, _nudges.pop()))
    return times


_nudges: list[float] = []


async def _timed_nudge(client_msg_id: UUID) -> None:
    started = time.perf_counter()
    await nudge_mirror(client_msg_id)
    _nudges.append(time.perf_counter() - started)


def _row(situation: str, which: str, times: Times) -> dict[str, object]:
    row: dict[str, object] = {"situation": situation, "turns": which, "count": len(times)}
    for name, place in (("turn", 0), ("nudge", 1)):
        milliseconds = [pair[place] * 1000 for pair in times]
        row[f"{name}_p50_ms"] = round(percentile(milliseconds, 0.5), 1)
        row[f"{name}_max_ms"] = round(max(milliseconds), 1)
    return row
