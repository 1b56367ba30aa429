"""When a process that ended by itself starts again. Pure: no clock, no supervisord.

Deaths right after the start are not this module's: supervisord retries those and gives up at the fifth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

HEALTHY_SECONDS = 60.0  # who lived as long begins anew
FIRST_WAIT_SECONDS = 1.0  # the first death costs no wait, the second this, each further one twice as long
LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Ended:
    """One life of a process, in epoch seconds."""

    name: str
    started: float
    died: float

    @property
    def lived(self) -> float:
        return self.died - self.started


@dataclass(frozen=True)
class Restart:
    """The start after the `deaths`th death in a row: `wait` seconds after it was noted, at `due`."""

    ended: Ended
    wait: float
    deaths: int
    due: float


@dataclass
class Restarts:
    """The last death of each process, and how many there were in a row."""

    _last: dict[str, Restart] = field(default_factory=dict)

    def note(self, ended: Iterable[Ended], now: float) -> list[Restart]:
        """The restarts of what has ended since the last call; the same death may be noted again and again."""
        new = [self._after(each, now) for each in ended if not self._is_known(each)]
        self._last.update({restart.ended.name: restart for restart in new})
        return new

    def due(self, ended: Iterable[Ended], now: float) -> list[str]:
        """Which of the ended processes are to start now. All of them have been noted."""
        return [each.name for each in ended if self._last[each.name].due <= now]

    def _is_known(self, ended: Ended) -> bool:
        return ended.name in self._last and self._last[ended.name].ended == ended

    def _after(self, ended: Ended, now: float) -> Restart:
        before = self._last.get(ended.name)
        deaths = before.deaths + 1 if before and ended.lived < HEALTHY_SECONDS else 1
        return Restart(ended, wait_after(deaths), deaths, now + wait_after(deaths))


def wait_after(deaths: int) -> float:
    """Seconds from the last of so many deaths in a row to the next start."""
    if deaths <= 1:
        return 0.0
    return float(min(FIRST_WAIT_SECONDS * 2.0 ** min(deaths - 2, 10), LONGEST_WAIT_SECONDS))
