"""The cluster-wide write hold: when Zep cannot take messages, everybody waits and one canary tries.

State is in Redis, changed only by the scripts below, on Redis's clock:
- `mem:write:hold:v1` JSON `{"reason","until","since","failures"}`, there only while writing is on hold;
- `mem:write:canary:v1` the token of the one who may try when `until` has passed;
- `mem:write:failures` failures without a success between them; `mem:write:success` when and for which thread one was;
- `mem:write:failed:<thread>` when that thread failed last;
- `mem:write:recovered` when the last hold ended: from then on the backlog starts slowly.
Without Redis there is no hold, and each thread backs off for itself.
"""

import json
import random
import secrets
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from redis.asyncio import Redis

from assistant.events import WriteHoldBegan, WriteHoldEnded, announce
from assistant.memory.errors import ZepRateLimited, ZepUnauthorized, ZepUnavailable
from assistant.redis_link import RedisDown, state_redis

HOLD_KEY = "mem:write:hold:v1"
CANARY_KEY = "mem:write:canary:v1"
FAILURES_KEY = "mem:write:failures"
SUCCESS_KEY = "mem:write:success"
RECOVERED_KEY = "mem:write:recovered"
FAILED_KEY = "mem:write:failed"
KEYS = (HOLD_KEY, CANARY_KEY, FAILURES_KEY, SUCCESS_KEY, RECOVERED_KEY)

FAILURES_THAT_HOLD = 3
WINDOW_SECONDS = 60
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0
CANARY_SECONDS = 30  # longer than one batch may take; a canary that died is replaced after it

NOW = "local time = redis.call('TIME') local now = tonumber(time[1]) + tonumber(time[2]) / 1000000\n"
ADMIT = (
    NOW
    + """
local raw = redis.call('GET', KEYS[1])
if not raw then return {'open', '0'} end
local hold = cjson.decode(raw)
if now < hold['until'] then return {'held', tostring(hold['until'] - now)} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) then return {'canary', '0'} end
return {'held', '1'}
"""
)
FAILED = (
    NOW
    + """
local token, reason, thread, at_once = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local retry_after, jitter, first, longest = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local success = redis.call('GET', KEYS[4])
local failed_before = redis.call('GET', KEYS[6])
redis.call('SET', KEYS[6], string.format('%.6f', now), 'EX', 3600)
local others = 0
if success and failed_before then
  local at, whose = string.match(success, '^(%S+) (.*)$')
  if whose ~= thread and tonumber(at) > tonumber(failed_before) then others = 1 end
end
local function wait(failures)
  if retry_after >= 0 then return retry_after * (1 + jitter * 0.1) end
  return math.min(first * 2 ^ (failures - 1), longest) * (1 + (jitter - 0.5) * 0.2)
end
local raw = redis.call('GET', KEYS[1])
if raw then
  local hold = cjson.decode(raw)
  if redis.call('GET', KEYS[2]) == token then
    hold['failures'] = hold['failures'] + 1
    hold['until'] = now + wait(hold['failures'])
    hold['reason'] = reason
    redis.call('SET', KEYS[1], cjson.encode(hold))
    redis.call('DEL', KEYS[2])
    return {0, others, 1, tostring(hold['until'] - now)}
  end
  return {0, others, 0, tostring(hold['until'] - now)}
end
local failures = redis.call('INCR', KEYS[3])
redis.call('EXPIRE', KEYS[3], ARGV[10])
if not at_once and failures < tonumber(ARGV[9]) then return {0, others, 0, '0'} end
redis.call('SET', KEYS[1], cjson.encode({reason = reason, since = now, failures = 1, ['until'] = now + wait(1)}))
redis.call('DEL', KEYS[3])
return {1, others, 1, tostring(wait(1))}
"""
)
SUCCEEDED = (
    NOW
    + """
redis.call('DEL', KEYS[3])
redis.call('SET', KEYS[4], string.format('%.6f', now) .. ' ' .. ARGV[2], 'EX', 3600)
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('SET', KEYS[5], string.format('%.6f', now), 'EX', 3600)
  return {1}
end
return {0}
"""
)
GIVE_BACK = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return {}
"""
STATE = (
    NOW
    + """
return {redis.call('GET', KEYS[1]) or '', redis.call('GET', KEYS[5]) or '', string.format('%.6f', now)}
"""
)


class Admission(StrEnum):
    """`open`: write. `canary`: write one batch, everybody waits for how it goes. `held`: wait."""

    OPEN = "open"
    CANARY = "canary"
    HELD = "held"


@dataclass(frozen=True)
class Pass:
    """What a drain was told, and the token that proves it is the canary."""

    admission: Admission
    token: str


@dataclass(frozen=True)
class Failure:
    """What a failed write meant.

    `is_ours`: this failure began the hold, or prolonged it as its canary. `others_succeed`: messages of other threads
    went through since this one failed before. `wait_seconds`: until a canary may try; 0 without a hold.
    """

    is_ours: bool
    others_succeed: bool
    wait_seconds: float = 0.0


@dataclass(frozen=True)
class HoldState:
    """The hold as an operator wants to see it; times in epoch seconds of Redis's clock."""

    now: float
    reason: str = ""
    since: float = 0.0
    until: float = 0.0
    failures: int = 0
    recovered_at: float = 0.0

    @property
    def is_on(self) -> bool:
        return bool(self.reason)

    @property
    def is_due(self) -> bool:
        """Whether the canary may try."""
        return self.is_on and self.now >= self.until


async def admit() -> Pass:
    """Ask whether to write. One round trip."""
    token = secrets.token_hex(8)
    try:
        word, _ = await _run(ADMIT, token, CANARY_SECONDS)
    except RedisDown:
        return Pass(Admission.OPEN, token)
    return Pass(Admission(word), token)


async def failed(permit: Pass, thread_id: str, error: ZepUnavailable) -> Failure:
    """Report that Zep could not take a batch: that begins a hold, or prolongs it for its canary. One round trip."""
    at_once = isinstance(error, ZepUnauthorized | ZepRateLimited)
    arguments = (
        permit.token,
        error.reason,
        thread_id,
        int(at_once),
        -1 if error.retry_after is None else error.retry_after,
        random.random(),  # noqa: S311  # jitter, not a secret
        FIRST_WAIT_SECONDS,
        LONGEST_WAIT_SECONDS,
        FAILURES_THAT_HOLD,
        WINDOW_SECONDS,
    )
    try:
        began, others, is_ours, wait = await _run(FAILED, *arguments, keys=(*KEYS, f"{FAILED_KEY}:{thread_id}"))
    except RedisDown:
        return Failure(is_ours=False, others_succeed=False)
    if began:
        announce(WriteHoldBegan(error.reason))
    return Failure(is_ours=bool(is_ours), others_succeed=bool(others), wait_seconds=max(0.0, float(wait)))


async def succeeded(permit: Pass, thread_id: str) -> bool:
    """Report that Zep took a batch. One round trip. True where that ended a hold."""
    try:
        (ended,) = await _run(SUCCEEDED, permit.token, thread_id)
    except RedisDown:
        return False
    if ended:
        announce(WriteHoldEnded())
    return bool(ended)


async def give_back(permit: Pass) -> None:
    """Nothing was written after all: where this was the canary, the next one may be. One round trip for a canary."""
    if permit.admission is Admission.CANARY:
        with suppress(RedisDown):  # the canary's time ends by itself
            await _run(GIVE_BACK, permit.token)


async def state() -> HoldState:
    """The hold now. One round trip. Raise RedisDown where that cannot be said."""
    raw, recovered, now = await _run(STATE)
    hold = json.loads(raw) if raw else {}
    return HoldState(now=float(now), recovered_at=float(recovered or 0), **hold)


async def _run(script: str, *arguments: object, keys: tuple[str, ...] = KEYS) -> list[str]:
    async def work(redis: Redis) -> list[str]:
        answer: list[str] = await redis.register_script(script)(keys, [str(argument) for argument in arguments])
        return answer

    return await state_redis().exchange("write_hold", work)
