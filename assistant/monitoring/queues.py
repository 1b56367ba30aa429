"""How many tasks wait in each queue, asked of the broker when Prometheus asks. Knows Redis as a broker, and no other.

RabbitMQ exports its own depths (`rabbitmq_queue_messages`): with it the series is absent, which is honest.
"""

from collections.abc import Iterator
from typing import cast

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis

from assistant import loops
from assistant.loops import PerLoop
from assistant.redis_link import RedisDown, RedisLink

QUEUES = tuple(queue.name for queue in settings.CELERY_TASK_QUEUES)
BUDGET_SECONDS = 0.2
_brokers = PerLoop(
    lambda: RedisLink(
        settings.CELERY_BROKER_URL, budget_seconds=BUDGET_SECONDS, pause_seconds=settings.REDIS_PAUSE_MS / 1000
    ),
    RedisLink.aclose,
)


class QueueCollector(Collector):
    """Tasks that no worker has taken yet. One round trip."""

    def collect(self) -> Iterator[Metric]:
        if not settings.CELERY_BROKER_URL.startswith(("redis://", "rediss://")):
            return
        try:
            depths = loops.run(_depths())
        except RedisDown:
            return
        family = GaugeMetricFamily("assistant_queue_depth", "Tasks that no worker has taken yet", labels=["queue"])
        for queue, depth in zip(QUEUES, depths, strict=True):
            family.add_metric([queue], depth)
        yield family

    def describe(self) -> list[Metric]:
        """Nothing to announce ahead: registering must not ask the broker."""
        return []


async def _depths() -> list[int]:
    return await _brokers.get().exchange("queue_depth", _lengths)


async def _lengths(redis: Redis) -> list[int]:
    """kombu keeps a queue as the list of its name; tasks of other priorities, which we have none of, elsewhere."""
    pipe = redis.pipeline(transaction=False)
    for queue in QUEUES:
        pipe.llen(queue)
    return cast("list[int]", await pipe.execute())
