"""Latencies of reads in five-minute slots: counted in memory, told in the background, gone after a day."""

import time
from collections.abc import Iterator

import pytest
import redis

from assistant import loops
from assistant.events import ContextRead, RateLimitHit
from assistant.monitoring import latencies
from assistant.monitoring.latencies import Slot
from assistant.redis_link import RedisDown
from ops.redis_process import RedisProcess
from ops.waiting import wait_until

pytestmark = pytest.mark.usefixtures("redis_server")


@pytest.fixture(autouse=True)
def _nothing_counted(redis_server: RedisProcess) -> Iterator[None]:
    loops.run(latencies.tell())
    redis.Redis.from_url(redis_server.url).delete(*(f"mem:latency:v1:{int(time.time()) // 300 + n}" for n in (-1, 0)))
    yield
    loops.run(latencies.tell())


def read(*milliseconds: float, reason: str = "") -> None:
    for ms in milliseconds:
        latencies.observe(ContextRead(ms / 1000, reason))


def today() -> list[Slot]:
    return [slot for slot in loops.run(latencies.last_day(time.time())) if slot.reads]


def test_reads_are_counted_and_added_up_over_processes() -> None:
    for _ in range(2):  # as two processes would
        read(*[20.0] * 9, 180.0)
        read(260.0, reason="timeout")
        loops.run(latencies.tell())
    slots = today()
    assert sum(slot.reads for slot in slots) == 22
    assert sum(slot.failed for slot in slots) == 2


def test_quantiles_are_within_their_buckets() -> None:
    read(*[20.0] * 90, *[180.0] * 10)
    loops.run(latencies.tell())
    slot = today()[-1]
    assert slot.p50 is not None
    assert slot.p95 is not None
    assert 10 <= slot.p50 <= 25
    assert 175 <= slot.p95 <= 200


def test_what_is_over_the_last_bound_is_shown_at_it() -> None:
    read(5_000.0)
    loops.run(latencies.tell())
    assert today()[-1].p95 == latencies.BOUNDS_MS[-1]


def test_it_is_told_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latencies, "TOLD_EVERY_SECONDS", 0.05)
    read(20.0)
    wait_until(today, "the counts in Redis")


def test_telling_is_planned_once_however_many_reads_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[float] = []
    monkeypatch.setattr(loops, "later", lambda seconds, _work: planned.append(seconds))
    read(*[20.0] * 50)
    assert planned == [latencies.TOLD_EVERY_SECONDS]
    loops.run(latencies.tell())
    read(20.0)
    assert len(planned) == 2


def test_slots_end_after_a_day(redis_server: RedisProcess) -> None:
    read(20.0)
    loops.run(latencies.tell())
    client = redis.Redis.from_url(redis_server.url)
    (key,) = client.keys("mem:latency:v1:*")
    assert 24 * 3600 < client.ttl(key) <= latencies.KEPT_SECONDS


def test_without_redis_the_counts_are_dropped_and_nothing_breaks(redis_server: RedisProcess) -> None:
    read(20.0)
    redis_server.stop()
    loops.run(latencies.tell())
    redis_server.start()
    wait_until(answers, "the link to have left the failing Redis alone for long enough")
    assert today() == []


def answers() -> bool:
    try:
        today()
    except RedisDown:
        return False
    return True


def test_other_events_are_none_of_its_business() -> None:
    latencies.observe(RateLimitHit())
    loops.run(latencies.tell())
    assert today() == []
