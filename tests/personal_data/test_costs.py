"""What a choice and an erasure cost where somebody has many threads: Redis is asked in portions."""

from collections.abc import Callable

import pytest
import redis as redis_py

from assistant import loops
from assistant.memory import context_cache
from assistant.models import Thread, User
from assistant.personal_data import erasure, places
from assistant.personal_data.choices import choose_memory
from ops.redis_process import RedisProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]
THREADS = 2 * context_cache.FORGOTTEN_AT_ONCE + 1
PORTIONS = 3


@pytest.fixture
def many(ayse: User) -> User:
    """Somebody with many threads, of each of which something is cached."""
    Thread.objects.bulk_create(Thread(id=f"t{number}", user=ayse) for number in range(THREADS))
    return ayse


@pytest.fixture
def asked_of(redis_server: RedisProcess) -> Callable[[Callable[[], object]], dict[str, int]]:
    """How often each command ran meanwhile, as Redis counts them. A pipeline is one `exec`, whatever is in it."""

    def counts() -> dict[str, int]:
        with redis_py.Redis.from_url(redis_server.url) as client:
            stats = client.info("commandstats")
        return {name.removeprefix("cmdstat_"): values["calls"] for name, values in stats.items()}

    def asked_of(work: Callable[[], object]) -> dict[str, int]:
        before = counts()
        work()
        return {name: calls - before.get(name, 0) for name, calls in counts().items()}

    return asked_of


def cached(redis_server: RedisProcess) -> list[bytes]:
    with redis_py.Redis.from_url(redis_server.url) as client:
        return [key for key in client.scan_iter("mem:ctx:*") if not key.endswith(b":gen")]


def cache_something(redis_server: RedisProcess) -> None:
    with redis_py.Redis.from_url(redis_server.url) as client:
        client.mset({f"mem:ctx:v1:t{number}:stale": "{}" for number in range(THREADS)})


def test_opting_out_forgets_every_thread_in_a_few_round_trips(
    many: User, redis_server: RedisProcess, asked_of: Callable[[Callable[[], object]], dict[str, int]]
) -> None:
    cache_something(redis_server)

    asked = asked_of(lambda: choose_memory(many, memory_on=False))

    assert (asked["exec"], asked["incrby"]) == (PORTIONS, THREADS)
    assert cached(redis_server) == []


def test_an_erasure_forgets_every_thread_in_a_few_round_trips(
    many: User, redis_server: RedisProcess, asked_of: Callable[[Callable[[], object]], dict[str, int]]
) -> None:
    cache_something(redis_server)
    begun = erasure.request(many, "op")

    asked = asked_of(lambda: places.forget_in_redis(begun))

    assert (asked["exec"], asked["incrby"]) == (PORTIONS, THREADS)
    assert asked["del"] < THREADS + 20  # those of the pipelines, and a few for all that is counted elsewhere
    assert cached(redis_server) == []


def test_no_threads_cost_nothing(asked_of: Callable[[Callable[[], object]], dict[str, int]]) -> None:
    assert asked_of(lambda: loops.run(context_cache.forget_all([]))).get("exec", 0) == 0
