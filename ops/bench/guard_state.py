"""The guard's state and the context cache put back between measurements. Knows keys, takes part in no decision."""

import json
from typing import Any

import redis

from assistant.memory.guard_scripts import (
    BACKOFF_KEY,
    CONSECUTIVE_FAILURES_KEY,
    EPOCH_KEY,
    FORCED_MODE_KEY,
    INITIALISED_KEY,
    KEYS,
)

# Which commands come from scripts cannot be told from `INFO commandstats`: of ours, only these come from outside.
OUTER = ("mget", "eval", "evalsha", "script|load", "multi")


class GuardState:
    """One Redis, as an onlooker with a hand in it."""

    def __init__(self, url: str) -> None:
        self._redis: redis.Redis = redis.Redis.from_url(url, decode_responses=True)

    def begin_anew(self) -> None:
        """An open guard, initialised, without memory of failures; an empty cache; no breaker of a rival's."""
        others = [*self._redis.scan_iter("mem:ctx:*", 1_000), *self._redis.scan_iter("pybreaker:*", 1_000)]
        self._redis.delete(*KEYS, *others)
        self._redis.mset({INITIALISED_KEY: 1, EPOCH_KEY: 1})

    def forget_holds(self) -> None:
        """The next hold has its first length, whatever was before."""
        self._redis.delete(BACKOFF_KEY)

    def begin_a_streak(self) -> None:
        """One failed read before: the next success has to be told."""
        self._redis.set(CONSECUTIVE_FAILURES_KEY, 1)

    @property
    def forced(self) -> dict[str, Any] | None:
        text = self._redis.get(FORCED_MODE_KEY)
        return dict(json.loads(str(text))) if text else None

    def commands(self) -> dict[str, int]:
        """Commands by name as Redis counted them, those of scripts left out."""
        stats: Any = self._redis.info("commandstats")
        return {name: stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in OUTER}

    def requests_read(self) -> int:
        """How often Redis read from a client: a pipeline is one, a command from a script none."""
        stats: Any = self._redis.info("stats")
        return int(stats["total_reads_processed"])
