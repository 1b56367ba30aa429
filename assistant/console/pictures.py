"""The Memory page's pictures as numbers: where bars, lines and bands go. The template draws them as SVG.

Pure: values in, coordinates out. Widths and heights are in the picture's own units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from assistant.console.figures import COUNTED_AT_MOST, AgeGroup
from assistant.memory.modes import Guard, MemoryMode, effective
from assistant.models import ModeTransition
from assistant.monitoring.latencies import SLOT_SECONDS, SLOTS, Slot

DAY_SECONDS = 24 * 3600
WIDTH, LEFT, RIGHT, TOP, PLOT = 960, 52, 12, 12, 150
BAR_WIDTH, BAR_HEIGHT, BAR_LEFT = 420, 24, 130
HOURS_BETWEEN_MARKS = 4
DOT_PX = 3


@dataclass(frozen=True)
class Bar:
    """A row of the backlog's picture."""

    name: str
    count: str
    y: float
    width: float
    is_old: bool


@dataclass(frozen=True)
class Band:
    """A time in one mode."""

    mode: str
    x: float
    width: float
    says: str


@dataclass(frozen=True)
class Mark:
    """A line with a word at it."""

    at: float
    word: str


@dataclass(frozen=True)
class DayPicture:
    """The last 24 hours: latency above, failed reads and modes below."""

    p50: Sequence[str]
    p95: Sequence[str]
    failed: Sequence[Band]
    bands: Sequence[Band]
    hours: Sequence[Mark]
    levels: Sequence[Mark]
    budget: Mark
    reads: int
    failures: int
    worst: int | None


def bars(groups: Sequence[AgeGroup]) -> list[Bar]:
    """The backlog by age, the youngest first; lengths relative to the longest."""
    most = max((group.count for group in groups), default=0) or 1
    return [
        Bar(
            name=group.name,
            count=f"{group.count:,}" + ("+" if group.count >= COUNTED_AT_MOST else ""),
            y=at * BAR_HEIGHT,
            width=max(2.0, BAR_WIDTH * group.count / most) if group.count else 0.0,
            is_old=at >= 3 and group.count > 0,  # noqa: PLR2004  # from ten minutes on it is an alert
        )
        for at, group in enumerate(groups)
    ]


def day(
    slots: Sequence[Slot], transitions: Sequence[ModeTransition], base: MemoryMode, now: float, budget_ms: int
) -> DayPicture:
    """`transitions`: the newest first, with the last one before the day."""
    known = [slot.p95 for slot in slots if slot.p95 is not None]
    top = max(budget_ms * 1.2, max(known, default=0.0) * 1.05)
    scale = _Scale(now, top)
    return DayPicture(
        p50=scale.lines([(slot.began, slot.p50) for slot in slots]),
        p95=scale.lines([(slot.began, slot.p95) for slot in slots]),
        failed=[
            Band("failed", scale.x(slot.began), max(2.0, scale.plot / SLOTS), f"{slot.failed} of {slot.reads} failed")
            for slot in slots
            if slot.failed
        ],
        bands=_bands(transitions, base, scale),
        hours=scale.hours(),
        levels=[Mark(scale.y(level), f"{level:g} ms") for level in (0, 100, 200, 300) if level <= top],
        budget=Mark(scale.y(budget_ms), f"budget {budget_ms} ms"),
        reads=sum(slot.reads for slot in slots),
        failures=sum(slot.failed for slot in slots),
        worst=round(max(known)) if known else None,
    )


class _Scale:
    def __init__(self, now: float, top: float) -> None:
        self.now, self.began, self.top = now, now - DAY_SECONDS, top
        self.plot = WIDTH - LEFT - RIGHT

    def x(self, at: float) -> float:
        share = min(1.0, max(0.0, (at - self.began) / DAY_SECONDS))
        return round(LEFT + share * self.plot, 1)

    def y(self, ms: float) -> float:
        return round(TOP + PLOT - min(1.0, ms / self.top) * PLOT, 1)

    def lines(self, points: Sequence[tuple[int, float | None]]) -> list[str]:
        """The points of one line for each time without a gap; a lonely point is a short line."""
        found: list[list[tuple[float, float]]] = []
        goes_on = False
        for at, ms in points:
            if ms is not None:
                here = (self.x(at + SLOT_SECONDS / 2), self.y(ms))
                found[-1].append(here) if goes_on else found.append([here])
            goes_on = ms is not None
        return [" ".join(f"{x},{y}" for x, y in _visible(line)) for line in found]

    def hours(self) -> list[Mark]:
        step = HOURS_BETWEEN_MARKS * 3600
        first = (int(self.began) // step + 1) * step
        moments = range(first, int(self.now) + 1, step)
        return [Mark(self.x(at), f"{datetime.fromtimestamp(at, UTC):%H:%M}") for at in moments]


def _visible(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return line if len(line) > 1 else [line[0], (line[0][0] + DOT_PX, line[0][1])]


def _bands(transitions: Sequence[ModeTransition], base: MemoryMode, scale: _Scale) -> list[Band]:
    """From each transition to the next; before the first one known nothing was forced."""
    changes = [(scale.began, Guard.OPEN.value, "")]
    changes += [(row.at.timestamp(), row.after, row.reason) for row in reversed(transitions)]
    bands = []
    for (since, after, reason), (until, _, _) in pairwise([*changes, (scale.now, "", "")]):
        x, end = scale.x(since), scale.x(until)
        mode = effective(base, Guard(after)).value
        if end > x:
            says = f"{mode}{f': {reason}' if reason and after == Guard.FORCED else ''} from {_clock(since)} UTC"
            bands.append(Band(mode, x, round(end - x, 1), says))
    return bands


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %b %H:%M}"
