"""Working off what piled up: the oldest threads first, with a few drainers only, and slowly after an outage.

Live turns have their own nudges and the larger share of the workers' slots; drainers are bounded cluster-wide by a
sorted set in Redis (`mem:mirror:drainers`, member -> end of its time), on Redis's clock. Without Redis nobody counts.
"""

import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from redis.asyncio import Redis

from assistant import loops
from assistant.memory import mirror, outbox, write_hold
from assistant.memory.mirror import Drained
from assistant.memory.write_hold import NOW, RECOVERED_KEY
from assistant.redis_link import RedisDown, state_redis

DRAINERS_KEY = "mem:mirror:drainers"
ANNOUNCED_KEY = "mem:mirror:announced"
ANNOUNCED_SECONDS = 300
DRAINER_SECONDS = 5.0  # a task's share; then it queues again behind live turns
DRAINER_ENDS_SECONDS = 60  # a drainer that died is forgotten after it
RAMP_SECONDS = 1.0  # after a hold: one drainer, twice as many each second
OVERDUE = timedelta(seconds=5)  # a turn's own nudge is usually done by then
CANDIDATES = 20

ENTER = (
    NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local allowed = tonumber(ARGV[3])
local recovered = tonumber(redis.call('GET', KEYS[2]) or '0')
if now - recovered < 60 then allowed = math.min(allowed, 2 ^ math.floor((now - recovered) / tonumber(ARGV[4]))) end
local running = redis.call('ZCARD', KEYS[1])
if ARGV[1] == '' then return {allowed, running} end
if running >= allowed then return {0, running} end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
return {1, running + 1}
"""
)


@dataclass(frozen=True)
class DrainerEnded:
    """`more`: threads still wait. `canary_in`: see `Drained`. `mirrored`: messages that this drainer mirrored.

    `again_in`: seconds until the first of the threads that it put off may be tried again; None where it put off none.
    """

    more: bool = False
    canary_in: float | None = None
    again_in: float | None = None
    mirrored: int = 0


def run_drainer(start_more: Callable[[int], None]) -> DrainerEnded:
    """Drain the longest waiting threads, one after another, for about five seconds.

    `start_more` is told, about once a second, how many further drainers may start: that is how the ramp goes up.
    """
    with _place() as admitted:
        _forget_announcement()
        if not admitted:
            return DrainerEnded()
        ends, next_look, mirrored = time.monotonic() + DRAINER_SECONDS, time.monotonic() + RAMP_SECONDS, 0
        due_at: list[float] = []
        for drained in _drained_threads():
            mirrored += drained.mirrored
            now = time.monotonic()
            if drained.again_in:
                due_at.append(now + drained.again_in)
            if drained.on_hold:
                return DrainerEnded(canary_in=drained.canary_in, mirrored=mirrored)
            if now > ends:
                return DrainerEnded(more=True, mirrored=mirrored)
            if now > next_look:
                next_look = now + RAMP_SECONDS
                start_more(drainers_wanted())
    again_in = max(0.0, min(due_at) - time.monotonic()) if due_at else None
    return DrainerEnded(again_in=again_in, mirrored=mirrored)


def announce_drainers() -> int:
    """How many drainers the sweep should start now. Two round trips.

    0 while those it started before have not begun: without workers nobody takes them, and they would pile up.
    """
    wanted = drainers_wanted()
    if not wanted:
        return 0
    try:
        is_first = loops.run(_exchange(lambda redis: redis.set(ANNOUNCED_KEY, 1, nx=True, ex=ANNOUNCED_SECONDS)))
    except RedisDown:
        return 1
    return wanted if is_first else 0


def drainers_wanted() -> int:
    """How many more drainers may start now: while writing is on hold one, and only when it is due as the canary.

    Two round trips; 1 where Redis does not say.
    """
    try:
        hold = loops.run(write_hold.state())
        if hold.is_on:
            return int(hold.is_due)
        allowed, running = loops.run(_enter(""))
    except RedisDown:
        return 1
    return max(0, allowed - running)


def _drained_threads() -> Iterator[Drained]:
    """Drain due threads until there are none, or others have them all. Each picks among the longest waiting."""
    idle = 0
    while idle < CANDIDATES and (candidates := outbox.waiting_threads(timedelta(0), CANDIDATES)):
        thread_id = random.choice(candidates)  # noqa: S311  # spreads drainers, guards no secret
        drained = mirror.drain(thread_id, is_backlog=True)
        idle = 0 if drained.mirrored or drained.again_in else idle + 1
        yield drained


@contextmanager
def _place() -> Iterator[bool]:
    """A drainer's place among the few that may run at once; False where all are taken."""
    token = secrets.token_hex(8)
    try:
        admitted = bool(loops.run(_enter(token))[0])
    except RedisDown:
        admitted = True
    try:
        yield admitted
    finally:
        if admitted:
            _leave(token)


async def _enter(token: str) -> list[int]:
    arguments: list[str | float] = [token, DRAINER_ENDS_SECONDS, settings.MIRROR_BACKLOG_DRAINERS, RAMP_SECONDS]

    async def work(redis: Redis) -> list[int]:
        answer: list[int] = await redis.register_script(ENTER)([DRAINERS_KEY, RECOVERED_KEY], arguments)
        return answer

    return await state_redis().exchange("drainers", work)


def _leave(token: str) -> None:
    with suppress(RedisDown):  # the place ends with its time
        loops.run(_exchange(lambda redis: redis.zrem(DRAINERS_KEY, token)))


def _forget_announcement() -> None:
    with suppress(RedisDown):
        loops.run(_exchange(lambda redis: redis.delete(ANNOUNCED_KEY)))


async def _exchange(work: Callable[[Redis], Awaitable[object]]) -> object:
    return await state_redis().exchange("drainers", work)
