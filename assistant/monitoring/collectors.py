"""Values whose truth is the cluster's, read when Prometheus asks, so that no process can contradict another.

A value that cannot be read is left out of the answer: absent is honest, zero would not be.
"""

from collections.abc import Iterator

from django.conf import settings
from django.db import Error
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from assistant import loops
from assistant.memory import dead_letters, guard, outbox, write_hold
from assistant.memory.flags import MemoryMode, base_mode
from assistant.memory.guard import UNKNOWN
from assistant.memory.modes import AUTOMATIC, DOWNGRADES, RECOVERIES, Guard, effective
from assistant.monitoring import bounded
from assistant.monitoring.drill_collector import drills
from assistant.personal_data import progress
from assistant.redis_link import RedisDown

GUARD_COUNTERS = (
    ("memory_zep_downgrades", "Times reads were forced off", "reason", "downgrades", DOWNGRADES),
    ("memory_zep_recoveries", "Times reads came back", "by", "recoveries", RECOVERIES),
    ("memory_zep_shadow_downgrades", "Times they would have been", "reason", "shadow", AUTOMATIC),
    ("memory_probe_runs", "Runs of the probe task", "outcome", "probe", guard.PROBE_OUTCOMES),
)


class ClusterCollector(Collector):
    """The memory's mode and guard, the mirror's backlog and dead letters, the write hold, the drills, erasures.

    Six queries and three round trips.
    """

    def collect(self) -> Iterator[Metric]:
        yield _one_hot("memory_mode_configured", "The memory mode that the settings ask for", base_mode())
        budget = settings.ZEP_READ_BUDGET_MS / 1000
        yield GaugeMetricFamily("memory_read_budget_seconds", "What a turn may spend on reading memory", value=budget)
        yield from _mode()
        yield from _guard_counters()
        yield from _write_hold()
        yield from bounded.answered(_stored) or ()

    def describe(self) -> list[Metric]:
        """Nothing to announce ahead: registering must not read the database."""
        return []


def _stored() -> list[Metric]:
    """What the database says."""
    return [*_backlog(), *drills(), *_erasures()]


def _one_hot(name: str, documentation: str, mode_in_force: MemoryMode) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=["mode"])
    for mode in MemoryMode:
        family.add_metric([mode.value], float(mode is mode_in_force))
    return family


def _mode() -> Iterator[Metric]:
    """Without its state the guard lets nobody read: that is the mode in force, and forced it is not."""
    try:
        state = loops.run(guard.read_state())
    except RedisDown:
        state = UNKNOWN
    mode = effective(base_mode(), state.guard)
    yield _one_hot("memory_mode_gauge", "The effective memory mode: 1 for the one in force", mode)
    yield GaugeMetricFamily("memory_mode_forced", "1 while reads are forced off", value=state.guard is Guard.FORCED)
    available = "1 while the guard's state is known: without it nobody reads"
    yield GaugeMetricFamily("memory_guard_state_available", available, value=state.initialised)


def _guard_counters() -> Iterator[Metric]:
    try:
        counted, last_run = loops.run(guard.counters())
    except RedisDown:
        return
    for name, documentation, label, kind, values in GUARD_COUNTERS:
        family = CounterMetricFamily(name, documentation, labels=[label])
        for value in values:
            family.add_metric([value], counted.get(f"{kind}:{value}", 0))
        yield family
    if last_run is not None:
        documentation = "When the probe task last ran, whatever it found"
        yield GaugeMetricFamily("memory_probe_last_run_timestamp_seconds", documentation, value=last_run)


def _backlog() -> Iterator[Metric]:
    try:
        waiting, oldest = outbox.backlog()
        dead = dead_letters.count()
    except Error:
        return
    age = max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0
    yield GaugeMetricFamily("memory_mirror_backlog", "Messages that still have to reach Zep", value=waiting)
    yield GaugeMetricFamily("memory_mirror_oldest_age_seconds", "How long ago the oldest of them was said", value=age)
    yield GaugeMetricFamily("memory_mirror_dead_letters", "Messages that Zep would not take", value=dead)


def _erasures() -> Iterator[Metric]:
    try:
        pending, oldest = progress.pending()
    except Error:
        return
    age = max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0
    yield GaugeMetricFamily("memory_erasures_pending", "Erasures that are not complete", value=pending)
    yield GaugeMetricFamily("memory_erasure_oldest_pending_seconds", "Age of the oldest of them", value=age)


def _write_hold() -> Iterator[Metric]:
    try:
        hold = loops.run(write_hold.state())
    except RedisDown:
        return
    yield GaugeMetricFamily("memory_write_hold", "1 while the whole cluster waits to write to Zep", value=hold.is_on)
