"""The Memory page's pictures: what is drawn where."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from assistant.console import pictures
from assistant.console.figures import AGES, COUNTED_AT_MOST, AgeGroup
from assistant.memory.modes import MemoryMode
from assistant.models import ModeTransition
from assistant.monitoring.latencies import SLOT_SECONDS, SLOTS, Slot

NOW = 1_800_000_000.0
BEGAN = int(NOW) - 24 * 3600


def slots(p95: dict[int, float]) -> list[Slot]:
    """The day's slots; those named were read in."""
    return [
        Slot(BEGAN + at * SLOT_SECONDS, 10 if at in p95 else 0, 0, p95.get(at) and 20.0, p95.get(at))
        for at in range(SLOTS)
    ]


def changed(hours_ago: float, after: str, reason: str = "auth") -> ModeTransition:
    at = datetime.fromtimestamp(NOW - hours_ago * 3600, UTC)
    return ModeTransition(at=at, before="", after=after, reason=reason, by="guard")


def drawn(*transitions: ModeTransition, p95: dict[int, float] | None = None) -> pictures.DayPicture:
    return pictures.day(slots(p95 or {}), transitions, MemoryMode.READ_WRITE, NOW, 250)


def test_the_bands_fill_the_day_without_gap_or_overlap() -> None:
    bands = drawn(changed(6, "open", "probe"), changed(12, "forced"), changed(30, "open")).bands
    assert [band.mode for band in bands] == ["read_write", "write_only", "read_write"]
    assert bands[0].x == pictures.LEFT
    for one, next_one in pairwise(bands):
        assert one.x + one.width == pytest.approx(next_one.x, abs=0.2)
    assert bands[-1].x + bands[-1].width == pytest.approx(pictures.WIDTH - pictures.RIGHT, abs=0.2)
    assert bands[1].width == pytest.approx(bands[2].width, abs=0.3), "six hours each"


def test_a_hold_from_before_the_day_is_there_from_its_start() -> None:
    assert [band.mode for band in drawn(changed(30, "forced")).bands] == ["write_only"]


def test_a_time_without_reads_is_a_gap() -> None:
    day = drawn(p95={10: 40.0, 11: 50.0, 40: 60.0})
    assert len(day.p95) == 2
    assert len(day.p95[0].split()) == 2
    assert len(day.p95[1].split()) == 2, "a lonely point is drawn all the same"
    assert day.worst == 60


def test_slower_is_higher_and_the_budget_is_within_the_picture() -> None:
    day = drawn(p95={10: 40.0, 11: 240.0})
    low, high = (float(point.split(",")[1]) for point in day.p95[0].split())
    assert high < low
    assert pictures.TOP < day.budget.at < high


def test_nothing_known_is_drawn_as_nothing() -> None:
    day = drawn()
    assert (day.p50, day.p95, day.failed, day.reads, day.worst) == ([], [], [], 0, None)
    assert [band.mode for band in day.bands] == ["read_write"]


def test_bars_are_relative_to_the_longest_and_old_ones_stand_out() -> None:
    groups = [AgeGroup(name, count) for (name, _), count in zip(AGES, (4, 2, 0, 1, 0, COUNTED_AT_MOST), strict=True)]
    bars = pictures.bars(groups)
    assert bars[-1].width == pictures.BAR_WIDTH
    assert [bar.width > 0 for bar in bars] == [True, True, False, True, False, True]
    assert [bar.is_old for bar in bars] == [False, False, False, True, False, True]
    assert bars[-1].count == "10,000+"
