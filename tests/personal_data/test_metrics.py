"""Erasures and exports as operators see them: series from the start, and the age of what is not done yet."""

from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY, generate_latest

from assistant.models import Erasure, User
from assistant.monitoring.collectors import ClusterCollector
from assistant.monitoring.observers.personal_data import observe
from assistant.personal_data import erasure
from assistant.personal_data.events import ERASURE_OUTCOMES, EXPORT_OUTCOMES, ErasureStepEnded
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import finish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def collected() -> dict[str, float]:
    return {sample.name: sample.value for metric in ClusterCollector().collect() for sample in metric.samples}


def test_every_series_exists_before_anything_happened() -> None:
    text = generate_latest(REGISTRY).decode()

    for outcome in ERASURE_OUTCOMES:
        assert f'memory_erasures_total{{outcome="{outcome}"}}' in text
    for became in EXPORT_OUTCOMES:
        assert f'assistant_exports_total{{outcome="{became}"}}' in text


def test_an_outcome_is_counted() -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("memory_erasures_total", {"outcome": "put_off"}) or 0.0

    before = counted()

    observe(ErasureStepEnded("put_off", "person", "connection", 3))

    assert counted() == before + 1


def test_the_age_of_the_oldest_is_read_when_it_is_asked_for(ayse: User, standin: StandIn) -> None:
    assert collected()["memory_erasure_oldest_pending_seconds"] == 0.0
    asked = erasure.request(ayse, "op")
    Erasure.objects.update(requested_at=timezone.now() - timedelta(hours=2))

    assert 7_190 < collected()["memory_erasure_oldest_pending_seconds"] < 7_300
    assert collected()["memory_erasures_pending"] == 1
    finish(asked)
    assert collected()["memory_erasure_oldest_pending_seconds"] == 0.0
