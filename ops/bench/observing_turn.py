"""One real turn's events, observed often, and what a scrape asks for. Import it once the product's settings are there.

The turn reads Zep, which answers.
"""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import redis as redis_py
from django.db import connection

from assistant import events, loops, tokens
from assistant.correlation import correlated
from assistant.events import Event
from assistant.memory import context_cache, guard, mirror, recovery
from assistant.models import User
from assistant.monitoring.exposition import exposition
from assistant.monitoring.observer import observe
from easy_islanders.asgi import application
from ops.bench.observing_rows import Figures
from ops.bench.rig import percentile
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn

SCRAPES = 50
BATCHES = 10


def measure(redis: RedisProcess, standin: StandIn, turns: int) -> list[Figures]:
    """The cost of one turn's observation, and of one scrape in this process."""
    recovery.keep_state()  # else nobody reads
    loops.run(guard.begin_probe(reads_are_on=True))
    seen = events_of_a_turn(standin)
    return [_of_a_turn(seen, turns), _of_a_scrape(redis)]


def events_of_a_turn(standin: StandIn) -> list[Event]:
    """What is announced from a request's arrival until its messages are at Zep: the second turn of a thread."""
    token = tokens.issue(User.objects.create_user("bench"))
    seen: list[Event] = []
    standin.clear()
    _turn(token, "I need a 2 bedroom in Girne")
    mirror.drain("bench")
    loops.run(context_cache.forget("bench", stale_too=True))
    events.subscribe(seen.append)
    _turn(token, "under 700 gbp, mail me at someone@example.com")
    mirror.drain("bench")
    events._observers.remove(seen.append)  # nobody else ever leaves
    return seen


def _turn(token: str, said: str) -> None:
    async def say() -> None:
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            body, headers = {"message": said, "thread_id": "bench"}, {"Authorization": f"Bearer {token}"}
            (await client.post("/api/chat/", json=body, headers=headers)).raise_for_status()
        await loops.aclose()

    asyncio.run(say())


def _of_a_turn(seen: list[Event], turns: int) -> Figures:
    with _read_by_somebody(), correlated():
        both = _cpu_ms(lambda: _observe(seen), turns)
        logging.disable(logging.CRITICAL)
        metrics = _cpu_ms(lambda: _observe(seen), turns)
        logging.disable(logging.NOTSET)
    return Figures(
        "turn",
        {
            "both_ms": round(both, 3),
            "metrics_ms": round(metrics, 3),
            "logs_ms": round(both - metrics, 3),
            "events": len(seen),
        },
    )


def _observe(seen: list[Event]) -> None:
    for event in seen:
        observe(event)


def _cpu_ms(work: Callable[[], None], times: int) -> float:
    """CPU milliseconds of one call: the median of a few batches."""
    work()
    batches, each = [], max(1, times // BATCHES)
    for _ in range(BATCHES):
        started = time.process_time()
        for _ in range(each):
            work()
        batches.append((time.process_time() - started) / each * 1000)
    return percentile(batches, 0.5)


@contextmanager
def _read_by_somebody() -> Iterator[None]:
    """Standard output is a pipe for the block, as under a supervisor."""
    sys.stdout.flush()
    kept = os.dup(1)
    reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert reader.stdin  # noqa: S101  # narrows the type
    os.dup2(reader.stdin.fileno(), 1)
    reader.stdin.close()
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        reader.wait()


def _of_a_scrape(redis: RedisProcess) -> Figures:
    statements: list[str] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        statements.append(sql)
        return execute(sql, *rest)

    exposition()
    with connection.execute_wrapper(note):
        exposition()
    before, started = _commands(redis), time.perf_counter()
    for _ in range(SCRAPES):
        exposition()
    took = time.perf_counter() - started
    after = _commands(redis)
    asked = sum(after.values()) - sum(before.values()) - 1  # the question itself
    queries = [sql for sql in statements if not sql.startswith(("PRAGMA", "BEGIN", "SET"))]
    figures = {"ms": round(took / SCRAPES * 1000, 2), "queries": len(queries), "redis_commands": asked / SCRAPES}
    return Figures("scrape", figures)


def _commands(redis: RedisProcess) -> dict[str, int]:
    with redis_py.Redis.from_url(redis.url) as client:
        stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): values["calls"] for name, values in stats.items()}
