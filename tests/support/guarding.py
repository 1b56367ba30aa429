"""Looking at the guard's state, and moving its clock: for tests, which may not wait."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from assistant import loops
from assistant.memory import guard, guard_scripts
from assistant.memory.guard import ForcedMode, Kind
from assistant.memory.guard_scripts import COUNTERS_KEY, EPOCH_KEY, FORCED_MODE_KEY, INITIALISED_KEY
from assistant.models import ModeTransition
from ops.redis_process import RedisProcess

CLOCK_KEY = "test:clock"


class GuardInRedis:
    """The guard's keys as an onlooker reads them, and Redis's clock, as the scripts see it, in the test's hand."""

    def __init__(self, server: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client: redis.Redis = redis.Redis.from_url(server.url, decode_responses=True)
        self.now = 1_800_000_000.0
        for name, text in vars(guard_scripts).items():
            if isinstance(text, str) and "redis.call('TIME')" in text:
                ours = text.replace("redis.call('TIME')", f"redis.call('HMGET', '{CLOCK_KEY}', 's', 'us')")
                monkeypatch.setattr(guard_scripts, name, ours)
        self.advance(0)

    def advance(self, seconds: float) -> None:
        """Let time pass, for the scripts."""
        self.now += seconds
        whole, fraction = divmod(self.now, 1)
        self.client.hset(CLOCK_KEY, mapping={"s": str(int(whole)), "us": str(round(fraction * 1_000_000))})

    def lose(self) -> None:
        """Redis comes back with nothing."""
        self.client.flushall()
        self.advance(0)

    def begin(self) -> None:
        """Nothing but the first state."""
        self.lose()
        self.client.mset({INITIALISED_KEY: 1, EPOCH_KEY: 1})

    @property
    def forced(self) -> ForcedMode | None:
        text = self.client.get(FORCED_MODE_KEY)
        return ForcedMode.from_json(str(text)) if text else None

    @property
    def reason(self) -> str:
        """Why reads are off; empty where they are not."""
        return self.forced.reason if self.forced else ""

    @property
    def epoch(self) -> str:
        return str(self.client.get(EPOCH_KEY) or "0")

    def counters(self) -> dict[str, int]:
        return {str(name): int(count) for name, count in self.client.hgetall(COUNTERS_KEY).items()}

    @property
    def left(self) -> float | None:
        """Seconds until the probe may try."""
        return None if self.forced is None or self.forced.until is None else round(self.forced.until - self.now, 1)


@contextmanager
def guard_in(server: RedisProcess) -> Iterator[GuardInRedis]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        guarding = GuardInRedis(server, monkeypatch)
        guarding.begin()
        yield guarding
        guarding.client.close()


def trip(guarded: GuardInRedis) -> None:
    """Let a refused read force the guard."""
    loops.run(guard.report(Kind.AUTH, guarded.epoch))


def history() -> list[tuple[str, str, str]]:
    """The stored transitions, the oldest first: where to, why, by whom."""
    rows = ModeTransition.objects.exclude(epoch=None).order_by("epoch")
    return [(row.after, row.reason, row.by) for row in rows]
