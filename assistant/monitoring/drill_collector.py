"""How drills stand, as metrics, from their rows. One query."""

from collections.abc import Iterator

from django.conf import settings
from django.db import Error
from prometheus_client.core import GaugeMetricFamily, Metric

from assistant.drills import runs
from assistant.drills.catalogue import DRILLS
from assistant.drills.runs import Standing


def drills() -> Iterator[Metric]:
    """When each last passed (0: never), whether its last run did not, and whether they run by themselves."""
    try:
        standings = runs.standings()
    except Error:
        return
    passed = GaugeMetricFamily(
        "memory_drill_last_success_timestamp_seconds", "When the drill last passed; 0: never", labels=["drill"]
    )
    failed = GaugeMetricFamily("memory_drill_failed", "1 where the drill's last run did not pass", labels=["drill"])
    for drill in DRILLS:
        standing = standings.get(drill, Standing())
        passed.add_metric([drill], standing.last_success.timestamp() if standing.last_success else 0)
        failed.add_metric([drill], standing.has_failed)
    yield passed
    yield failed
    scheduled = "1 where the settings let drills run on a schedule"
    yield GaugeMetricFamily("memory_drills_scheduled", scheduled, value=settings.DRILLS_ENABLED)
