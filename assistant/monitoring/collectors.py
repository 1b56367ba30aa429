"""Values whose truth is the cluster's, read when Prometheus asks, so that no process can contradict another.

A value that cannot be read is left out of the answer: absent is honest, zero would not be.
"""

from collections.abc import Iterator

from django.db import Error
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from assistant import loops
from assistant.memory import dead_letters, outbox, write_hold
from assistant.memory.flags import MemoryMode, base_mode, effective_mode
from assistant.redis_link import RedisDown


class ClusterCollector(Collector):
    """The memory's mode, the mirror's backlog and dead letters, the write hold: three queries and a round trip."""

    def collect(self) -> Iterator[Metric]:
        yield _one_hot("memory_mode_gauge", "The effective memory mode: 1 for the one in force", effective_mode())
        yield _one_hot("memory_mode_configured", "The memory mode that the settings ask for", base_mode())
        yield from _backlog()
        yield from _write_hold()

    def describe(self) -> list[Metric]:
        """Nothing to announce ahead: registering must not read the database."""
        return []


def _one_hot(name: str, documentation: str, mode_in_force: MemoryMode) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=["mode"])
    for mode in MemoryMode:
        family.add_metric([mode.value], float(mode is mode_in_force))
    return family


def _backlog() -> Iterator[Metric]:
    try:
        waiting, oldest = outbox.backlog()
        dead = dead_letters.count()
    except Error:
        return
    age = max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0
    yield GaugeMetricFamily("memory_mirror_backlog", "Messages that still have to reach Zep", value=waiting)
    yield GaugeMetricFamily("memory_mirror_oldest_age_seconds", "How long the oldest of them has waited", value=age)
    yield GaugeMetricFamily("memory_mirror_dead_letters", "Messages that Zep would not take", value=dead)


def _write_hold() -> Iterator[Metric]:
    try:
        hold = loops.run(write_hold.state())
    except RedisDown:
        return
    yield GaugeMetricFamily("memory_write_hold", "1 while the whole cluster waits to write to Zep", value=hold.is_on)
