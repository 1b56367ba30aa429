"""The guard's shell: asks Redis for its state, tells it what reads and probes met, and announces what that changed.

Every function is one round trip and raises RedisDown where Redis does not answer in time. A report carries the epoch
under which its read began: told under another one, or while forced, it changes nothing. Only the caller whose report
made a transition hears of it, so only one process logs it.
"""

import json
import math
import random
import secrets
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from redis.asyncio import Redis

from assistant.events import GuardCleared, GuardForced, ProbeEnded, ReadsPaused, announce
from assistant.memory import guard_scripts as scripts
from assistant.memory.modes import Guard, Signal, changed_by
from assistant.redis_link import RedisDown, state_redis

LEAST_READS_FOR_A_RATIO = 20
DEFAULT_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 600.0
PROBE_LOCK_SECONDS = 10
HEALTHY_SECONDS = 600  # after it a new hold starts at its first length again
PROBE_OUTCOMES = ("not_forced", "not_due", "locked", "passed", "failed")
TRANSITION_FIELDS = (
    "epoch",
    "at",
    "before",
    "after",
    "reason",
    "by",
    "until",
    "hold_seconds",
    "probe_failures",
    "order",
)
AS_LONG_AS_IT_TAKES = -1.0  # a hold that only an operator ends


@dataclass(frozen=True)
class ForcedMode:
    """Why and how long reads are off. Times in epoch seconds; `until` is None where only an operator ends it.

    `until` is when the probe may try, not when reads resume. `probe_failures`: failed probes since the guard was last
    open for ten minutes.
    """

    mode: str
    reason: str
    until: float | None
    forced_at: float
    epoch: int
    probe_failures: int

    @classmethod
    def from_json(cls, text: str | bytes) -> "ForcedMode":
        """Raise ValueError, KeyError, TypeError or RecursionError where it is not what a script wrote."""
        known = json.loads(text)
        until = known["until"]
        return cls(
            mode=str(known["mode"]),
            reason=str(known["reason"]),
            until=None if until is None else float(until),
            forced_at=float(known["forced_at"]),
            epoch=int(known["epoch"]),
            probe_failures=int(known["probe_failures"]),
        )

    def to_json(self) -> str:
        return json.dumps(self.__dict__)


@dataclass(frozen=True)
class GuardState:
    """What the guard says now. `failures`: the streak so far. `paused_until`: Zep asked for a pause of reads."""

    initialised: bool
    epoch: str = "0"
    forced: ForcedMode | None = None
    paused_until: float | None = None
    failures: int = 0

    @property
    def guard(self) -> Guard | None:
        """None where the state is not to be believed."""
        if not self.initialised:
            return None
        return Guard.FORCED if self.forced else Guard.OPEN


UNKNOWN = GuardState(initialised=False)


UNHEARD_SECONDS = 10.0
_unheard_until = -math.inf  # until when this process does not read: the guard did not hear of its last failed read
_last_failure = -math.inf  # when this process last reported one, of its monotonic clock


class Kind(StrEnum):
    """What a read met. `slow` is a success that took longer than `MEMORY_DOWNGRADE_LATENCY_MS`."""

    SUCCESS = "success"
    SLOW = "slow"
    FAILURE = "failure"
    AUTH = "auth"


SIGNALS = {
    Kind.AUTH: Signal.AUTH_REFUSED,
    Kind.FAILURE: Signal.READS_FAILING,
    Kind.SLOW: Signal.READS_SLOW,
    Kind.SUCCESS: Signal.READS_FAILING,  # it ends the streak in the states in which a streak counts
}


@dataclass(frozen=True)
class Permit:
    """The right to probe once. `only_operator_ends`: the hold has no end, the probe only tells."""

    token: str
    epoch: str
    only_operator_ends: bool


async def read_state() -> GuardState:
    """The guard's state, all of one moment. What cannot be read is no state: then nobody reads."""
    names = (
        scripts.FORCED_MODE_KEY,
        scripts.INITIALISED_KEY,
        scripts.EPOCH_KEY,
        scripts.PAUSE_KEY,
        scripts.CONSECUTIVE_FAILURES_KEY,
    )
    forced, initialised, epoch, pause, failures = await state_redis().exchange("guard", lambda r: r.mget(names))
    try:
        return GuardState(
            initialised=initialised is not None,
            epoch=str(epoch or "0"),
            forced=ForcedMode.from_json(forced) if forced else None,
            paused_until=float(json.loads(pause)["until"]) if pause else None,
            failures=int(failures or 0),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return UNKNOWN


async def redis_now() -> float:
    """Epoch seconds by Redis's clock, which is the guard's."""
    seconds, microseconds = await state_redis().exchange("guard", lambda redis: redis.time())
    return float(seconds) + float(microseconds) / 1_000_000


def must_be_told_of_success(seen: GuardState) -> bool:
    """Whether a success changes anything: it ends a streak, and where a ratio or slow reads count, it counts.

    A streak that this process added to may have begun after the read did.
    """
    has_failed_lately = time.monotonic() - _last_failure < settings.MEMORY_DOWNGRADE_WINDOW_SECONDS
    return bool(
        seen.failures
        or has_failed_lately
        or settings.MEMORY_DOWNGRADE_MIN_FAILURE_RATIO > 0
        or settings.MEMORY_DOWNGRADE_LATENCY_MS
    )


def is_unheard() -> bool:
    """Whether a failed read of this process could not be told: a guard that hears nothing is as good as none."""
    return time.monotonic() < _unheard_until


async def report_failure(kind: Kind, epoch: str) -> None:
    """Tell of a failed read; where that cannot be done, this process reads nothing for ten seconds."""
    global _unheard_until  # noqa: PLW0603  # one per process by design
    try:
        await report(kind, epoch)
    except RedisDown:
        _unheard_until = time.monotonic() + UNHEARD_SECONDS
        raise
    _unheard_until = -math.inf


async def report(kind: Kind, epoch: str) -> int:
    """Tell what a read met that began under `epoch`; return the streak it is part of."""
    global _last_failure  # noqa: PLW0603  # one per process by design
    if kind in (Kind.FAILURE, Kind.AUTH):
        _last_failure = time.monotonic()
    outcome, reason, streak, until, seconds = await _run(
        scripts.REPORT,
        epoch,
        kind,
        secrets.token_hex(8),
        _states(SIGNALS[kind]),
        settings.MEMORY_DOWNGRADE_THRESHOLD,
        settings.MEMORY_DOWNGRADE_WINDOW_SECONDS,
        *_hold(),
        settings.MEMORY_DOWNGRADE_MIN_FAILURE_RATIO,
        LEAST_READS_FOR_A_RATIO,
        int(not settings.DISABLE_AUTO_DOWNGRADE),
        patiently=True,
    )
    if outcome in ("tripped", "shadow"):
        is_shadow = outcome == "shadow"
        announce(GuardForced(reason, float(seconds), _moment(until), int(streak), is_shadow=is_shadow))
    return int(streak)


async def pause(retry_after: float | None, epoch: str) -> None:
    """Zep asks for fewer reads (429): nobody reads until that is over. No failure, and no hold."""
    asked = DEFAULT_PAUSE_SECONDS if retry_after is None else retry_after
    seconds = min(asked * (1 + random.random() * 0.1), LONGEST_PAUSE_SECONDS)  # noqa: S311  # jitter, not a secret
    paused, until = await _run(scripts.PAUSE, epoch, max(seconds, 0.001), patiently=True)
    if int(paused):
        announce(ReadsPaused(seconds, float(until)))


async def force(reason: str, by: str, seconds: float, order: int | None = None) -> str:
    """An operator's hold, whatever was before.

    `forced`; `unknown`: not initialised; `repeated`: this order was carried out before; `superseded`: a later one was.
    """
    arguments = (reason, by, seconds, "" if order is None else order)
    outcome, until, before = await _run(scripts.FORCE, _states(Signal.OPERATOR_FORCES), *arguments)
    if outcome == "forced":
        hold_seconds = seconds if seconds >= 0 else None
        announce(GuardForced(reason, hold_seconds, _moment(until), before=Guard(before), by=by))
    return str(outcome)


async def clear(by: str, order: int | None = None) -> str:
    """End a hold on an operator's word. `cleared`, `unchanged` where there is none; others as for `force`."""
    (outcome,) = await _run(scripts.CLEAR, _states(Signal.OPERATOR_CLEARS), by, "" if order is None else order)
    if outcome == "cleared":
        announce(GuardCleared(by, "cleared"))
    return str(outcome)


async def begin_probe(*, reads_are_on: bool, although_not_due: bool = False) -> Permit | str:
    """Ask for the right to probe; else why not: `not_forced`, `not_due`, `locked`."""
    token = secrets.token_hex(8)
    outcome, epoch, only_operator_ends = await _run(
        scripts.BEGIN_PROBE, token, PROBE_LOCK_SECONDS, int(reads_are_on), int(although_not_due)
    )
    return Permit(token, epoch, bool(int(only_operator_ends))) if outcome == "go" else str(outcome)


async def end_probe(permit: Permit, *, passed: bool) -> str:
    """Tell how the probe went. `passed`, `failed`, or `outlived`: the lock or the hold is another's by now."""
    outcome, until, seconds = await _run(
        scripts.END_PROBE, permit.token, permit.epoch, int(passed), *_hold(), HEALTHY_SECONDS
    )
    announce(ProbeEnded(outcome))
    if outcome == "passed" and not permit.only_operator_ends:
        announce(GuardCleared("probe", "probe_passed"))
    if outcome == "failed" and not permit.only_operator_ends:
        reason, before = Signal.PROBE_FAILED.value, Guard.FORCED
        announce(GuardForced(reason, float(seconds), _moment(until), before=before, by="probe"))
    return str(outcome)


async def initialise(epoch: int, forced: ForcedMode | None, last_order: int) -> bool:
    """Make the state what the database knows, where Redis has none, or an older one. True where that was so."""
    return bool(await _run(scripts.INITIALISE, epoch, forced.to_json() if forced else "", last_order))


async def unstored_transitions() -> list[dict[str, Any]]:
    """What the control worker has still to store, oldest first; a hundred at most. What cannot be read is dropped."""
    entries = await state_redis().exchange("guard", lambda r: r.lrange(scripts.TRANSITIONS_KEY, 0, 99))
    known = []
    for entry in entries:
        try:
            known.append({name: json.loads(entry)[name] for name in TRANSITION_FIELDS})
        except (ValueError, KeyError, TypeError, RecursionError):
            await _drop_unreadable(entry)
    return known


async def _drop_unreadable(entry: bytes | str) -> None:
    await state_redis().exchange("guard", lambda r: r.lrem(scripts.TRANSITIONS_KEY, 1, str(entry)))


async def drop_stored(up_to_epoch: int) -> None:
    """Transitions up to this epoch are in the database."""
    await _run(scripts.DROP_STORED, up_to_epoch, keys=(scripts.TRANSITIONS_KEY,))


async def forget_failures() -> None:
    """Begin the streak of failures anew."""
    names = (scripts.FAILURES_KEY, scripts.CONSECUTIVE_FAILURES_KEY, scripts.SLOW_KEY)
    await state_redis().exchange("guard", lambda r: r.delete(*names))


async def counters() -> tuple[dict[str, int], float | None]:
    """Downgrades, recoveries, probe runs as `kind:label`, and when the last probe tick was, in epoch seconds."""

    async def ask(redis: Redis) -> list[Any]:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(scripts.COUNTERS_KEY)
            pipe.get(scripts.LAST_PROBE_KEY)
            return list(await pipe.execute())

    counted, last_run = await state_redis().exchange("guard", ask)
    return {name: int(count) for name, count in counted.items()}, float(last_run) if last_run else None


async def count_downgrade(reason: str) -> None:
    """Count one more, for a change that no script made."""
    await state_redis().exchange("guard", lambda r: r.hincrby(scripts.COUNTERS_KEY, f"downgrades:{reason}"))


async def take_probe_lock(token: str) -> bool:
    """Take the lock that keeps a second probe away for ten seconds."""
    taken = await state_redis().exchange(
        "guard", lambda r: r.set(scripts.PROBE_LOCK_KEY, token, nx=True, ex=PROBE_LOCK_SECONDS)
    )
    return bool(taken)


async def release_probe_lock(token: str) -> bool:
    """Give the lock back; False where it is not, or no longer, held with this token."""
    return bool(await _run(scripts.RELEASE_LOCK, token, keys=(scripts.PROBE_LOCK_KEY,)))


def _hold() -> tuple[float, float, float]:
    """First length of a hold, the longest, and a random number for its jitter."""
    jitter = random.random()  # noqa: S311  # no secret
    return settings.MEMORY_DOWNGRADE_HOLD_SECONDS, settings.MEMORY_DOWNGRADE_MAX_HOLD_SECONDS, jitter


def _states(signal: Signal) -> str:
    return ",".join(sorted(changed_by(signal)))


def _moment(text: str) -> float | None:
    return float(text) if text not in ("", "null") else None


async def _run(script: str, *arguments: object, keys: tuple[str, ...] = scripts.KEYS, patiently: bool = False) -> Any:
    """`patiently`: nobody waits for it, and what it changed must be heard of."""

    async def work(redis: Redis) -> Any:
        return await redis.register_script(script)(keys, [str(argument) for argument in arguments])

    return await state_redis().exchange("guard", work, patiently=patiently)
