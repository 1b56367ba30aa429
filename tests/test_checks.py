"""Contradictory settings of the guard stop every process before it starts."""

import pytest
from pytest_django.fixtures import Settings

from easy_islanders import checks


def found(settings: Settings, **changes: int) -> list[str | None]:
    for name, value in changes.items():
        setattr(settings, name, value)
    return [message.id for check in checks.ALL for message in check()]


@pytest.mark.parametrize(("latency_ms", "ids"), [(0, []), (249, []), (250, ["memory.E005"]), (300, ["memory.E005"])])
def test_slow_reads_must_be_below_the_budget(settings: Settings, latency_ms: int, ids: list[str]) -> None:
    assert found(settings, MEMORY_DOWNGRADE_LATENCY_MS=latency_ms, ZEP_READ_BUDGET_MS=250) == ids


@pytest.mark.parametrize(("longest", "ids"), [(300, []), (299, ["memory.E006"])])
def test_the_longest_hold_is_no_shorter_than_the_first(settings: Settings, longest: int, ids: list[str]) -> None:
    changes = {"MEMORY_DOWNGRADE_HOLD_SECONDS": 300, "MEMORY_DOWNGRADE_MAX_HOLD_SECONDS": longest}

    assert found(settings, **changes) == ids
