"""One turn in each situation: its memory trace, its time, and its cost in queries, Redis commands and calls to Zep."""

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import redis as redis_py
from django.db.backends.utils import CursorWrapper

from assistant.conversation import ThreadRef
from assistant.memory import context_cache
from assistant.memory.service import refresh_context
from assistant.models import User
from assistant.turns import take_turn
from ops.redis_process import RedisProcess
from ops.zep_standin.client import StandInUnreachableError
from ops.zep_standin.process import StandIn

BOOKKEEPING = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "PRAGMA")
OURS = ("mget", "eval", "evalsha", "lpush", "incr", "set", "get", "del", "expire")


@dataclass
class Cost:
    """What one turn used."""

    ms: float = 0
    queries: int = 0
    zep_calls: int = 0
    redis: dict[str, int] | None = None


def main(argv: list[str], redis: RedisProcess, standin: StandIn) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.bench turn", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)
    asyncio.run(_all_situations(redis, standin, as_json=options.json))
    return 0


async def _all_situations(redis: RedisProcess, standin: StandIn, *, as_json: bool) -> None:
    user = await User.objects.acreate(username="bench")
    await take_turn(_thread(user), "hello", uuid4())  # the first turn of a process pays for imports and connections
    for situation, prepare, mend in _situations(redis, standin):
        thread = _thread(user)
        await _earlier_turn(thread, situation)
        await asyncio.to_thread(prepare)
        trace, cost = await _one_turn(thread, redis, standin)
        await asyncio.to_thread(mend)
        if as_json:
            print(json.dumps({"situation": situation, "trace": trace, "cost": vars(cost)}), flush=True)
        else:
            redis_text = " ".join(f"{name}:{n}" for name, n in (cost.redis or {}).items())
            print(f"{situation:14} {cost.ms:6.1f} ms  {cost.queries} queries  redis {redis_text or '-'}  ", end="")
            print(f"zep calls {cost.zep_calls}\n{'':14} {json.dumps(trace)}", flush=True)


def _situations(redis: RedisProcess, standin: StandIn) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    def zep(kind: str, **fields: object) -> Callable[[], object]:
        return lambda: standin.fault(kind, route="read", **fields)

    def restart_redis() -> None:
        redis.start()
        time.sleep(1)  # longer than a process leaves a failing Redis alone

    return [
        ("first turn", standin.clear, standin.clear),
        ("healthy", standin.clear, standin.clear),
        ("cached", standin.clear, standin.clear),
        ("zep hanging", zep("hang"), standin.clear),
        ("zep dripping", zep("drip"), standin.clear),
        ("zep refusing", standin.stop, standin.start),
        ("zep 401", zep("status", status=401), standin.clear),
        ("zep garbage", zep("garbage"), standin.clear),
        ("redis stopped", redis.stop, restart_redis),
    ]


async def _earlier_turn(thread: ThreadRef, situation: str) -> None:
    """All but the first turn have one before them, mirrored by nobody yet; `cached` also has its context in Redis."""

    if situation == "first turn":
        return
    turn = await take_turn(thread, "I need a 2 bedroom in Girne", uuid4())
    if situation == "cached":
        await refresh_context(turn.thread_id)
    else:
        await context_cache.forget(turn.thread_id)


async def _one_turn(thread: ThreadRef, redis: RedisProcess, standin: StandIn) -> tuple[object, Cost]:
    cost, before, calls_before = Cost(), _commands(redis), _calls(standin)
    with _counted_queries() as seen:
        started = time.perf_counter()
        turn = await take_turn(thread, "under 700 gbp", uuid4())
        cost.ms = round((time.perf_counter() - started) * 1000, 1)
    cost.queries = sum(not sql.startswith(BOOKKEEPING) for sql in seen)
    await asyncio.sleep(0.05)  # the cache is filled after the answer
    after = _commands(redis)
    cost.redis = {name: after[name] - before.get(name, 0) for name in OURS if after.get(name, 0) > before.get(name, 0)}
    cost.zep_calls = _calls(standin) - calls_before
    return turn.reply.memory_trace, cost


@contextmanager
def _counted_queries() -> Iterator[list[str]]:
    seen: list[str] = []
    execute = CursorWrapper.execute

    def noting(self: CursorWrapper, sql: str, params: object = None) -> object:
        seen.append(sql)
        return execute(self, sql, params)  # type: ignore[arg-type]  # passed on as it came

    CursorWrapper.execute = noting  # type: ignore[assignment, method-assign]  # every connection, whichever thread
    try:
        yield seen
    finally:
        CursorWrapper.execute = execute  # type: ignore[method-assign]  # as it was


def _thread(user: User) -> ThreadRef:
    return ThreadRef(user, str(uuid4()))


def _commands(redis: RedisProcess) -> dict[str, int]:
    if not redis.is_running:
        return {}
    client = redis_py.Redis.from_url(redis.url)
    stats = client.info("commandstats")
    client.close()
    return {name.removeprefix("cmdstat_"): values["calls"] for name, values in stats.items()}


def _calls(standin: StandIn) -> int:
    try:
        return standin.last_n()
    except StandInUnreachableError:
        return 0
