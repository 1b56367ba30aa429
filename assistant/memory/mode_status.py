"""The mode, and why, as an operator wants to see it: in lines, or as one object."""

from typing import Any

from assistant import loops
from assistant.memory import guard, heartbeats
from assistant.memory.context import CONTEXT_MODES
from assistant.memory.flags import base_mode
from assistant.memory.guard import GuardState
from assistant.memory.modes import effective
from assistant.redis_link import RedisDown, cache_redis

COUNT_AT_ONCE = 1_000
KEYS_LOOKED_AT = 100_000  # then the count is given as a lower bound


def facts() -> dict[str, Any]:
    """Everything, with None where Redis does not say. `remaining_seconds` is to the next probe."""
    try:
        state, now, heard = loops.run(_asked())
    except RedisDown:
        state, now, heard = guard.UNKNOWN, 0.0, {}
    forced = state.forced
    return {
        "base_mode": base_mode().value,
        "forced": vars(forced) | {"remaining_seconds": _left(forced.until, now)} if forced else None,
        "effective_mode": effective(base_mode(), state.guard).value,
        "state_available": state.initialised,
        "failures": state.failures if state.initialised else None,
        "reads_paused_seconds": _left(state.paused_until, now),
        "beat_heard_seconds_ago": heard.get("beat"),
        "control_heard_seconds_ago": heard.get("control"),
        "cached_contexts": _cached(),
    }


def lines(known: dict[str, Any]) -> list[str]:
    """The same as text; the first three lines are what scripts look for."""
    return [
        f"Base mode (from flags): {known['base_mode']}",
        f"Forced mode: {_forced(known)}",
        f"Effective mode: {known['effective_mode']}",
        f"Guard state: {'known' if known['state_available'] else 'not known: reads are off'}",
        f"Failures in a row: {_or_unknown(known['failures'])}",
        f"Reads paused for: {_ago(known['reads_paused_seconds'], 'not paused')}",
        f"Beat heard: {_ago(known['beat_heard_seconds_ago'], 'not for a day', ' ago')}",
        f"Control worker heard: {_ago(known['control_heard_seconds_ago'], 'not for a day', ' ago')}",
        f"Cached contexts: {_or_unknown(known['cached_contexts'])}",
    ]


def _forced(known: dict[str, Any]) -> str:
    forced = known["forced"]
    if forced is None:
        return "None" if known["state_available"] else "not known"
    left = forced["remaining_seconds"]
    return f"{forced['mode']} (reason={forced['reason']}, remaining={'until cleared' if left is None else f'~{left}s'})"


def _or_unknown(value: object) -> str:
    return "not known" if value is None else str(value)


def _ago(seconds: float | None, otherwise: str, after: str = "") -> str:
    return otherwise if seconds is None else f"{round(seconds)} s{after}"


def _left(until: float | None, now: float) -> int | None:
    return None if until is None else max(0, round(until - now))


async def _asked() -> tuple[GuardState, float, dict[Any, float | None]]:
    return await guard.read_state(), await guard.redis_now(), await heartbeats.ages()


def _cached() -> int | None:
    try:
        return loops.run(_count_cached())
    except RedisDown:
        return None


async def _count_cached() -> int:
    """How many contexts the cache holds, looking at no more than a hundred thousand keys."""
    count, cursor, looked_at = 0, 0, 0
    while True:
        at = cursor
        cursor, keys = await cache_redis().exchange(
            "status",
            lambda redis: redis.scan(at, match="mem:ctx:v1:*", count=COUNT_AT_ONCE),  # noqa: B023  # run at once
        )
        count += sum(str(key).rpartition(":")[2] in CONTEXT_MODES for key in keys)
        looked_at += COUNT_AT_ONCE
        if not cursor or looked_at >= KEYS_LOOKED_AT:
            return count
