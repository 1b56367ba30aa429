"""What a drill looks at: expected, found, how long it took. Pure but for the clock; the first failure ends a drill."""

import time
from collections.abc import Callable
from typing import TypeVar

from assistant.drills.catalogue import Step

T = TypeVar("T")
LOOK_SECONDS = 0.05
LATER = 30.0  # what the product waits with, and begins slowly
SOON = 20.0  # what should happen at once may take so long on a busy machine


class StepFailed(Exception):
    """What was found is not what was expected. It has been told."""


class Steps:
    """Tells of each step as it ends."""

    def __init__(self, tell: Callable[[Step], None]) -> None:
        self._tell = tell
        self._last_ended = time.monotonic()

    def expect(
        self,
        name: str,
        expected: str,
        actual: Callable[[], T],
        holds: Callable[[T], bool],
        *,
        within: float = 0.0,
    ) -> T:
        """Find `actual`, over and over for `within` seconds until it holds, and return it. Raise StepFailed.

        A step's time counts from the end of the one before: what led to it is part of it.
        """
        deadline = time.monotonic() + within
        while not (ok := holds(found := actual())) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        began, self._last_ended = self._last_ended, time.monotonic()
        self._tell(Step(name, expected, _shown(found), round((self._last_ended - began) * 1000, 1), ok))
        if not ok:
            raise StepFailed(name)
        return found

    def same(self, name: str, expected: object, actual: Callable[[], object], *, within: float = 0.0) -> None:
        """Expect this very value."""
        self.expect(name, _shown(expected), actual, lambda found: found == expected, within=within)

    def below(
        self, name: str, limit: float, actual: Callable[[], float], unit: str = "ms", *, within: float = 0.0
    ) -> None:
        """Expect less than this. `within`: seconds in which `actual` may measure anew, on a machine that is busy."""
        expected = f"< {limit:g} {unit}"
        self.expect(name, expected, lambda: round(actual(), 1), lambda found: found < limit, within=within)

    def above(self, name: str, limit: float, actual: Callable[[], float], unit: str = "%") -> None:
        """Expect more than this."""
        self.expect(name, f"> {limit:g} {unit}", lambda: round(actual(), 1), lambda found: found > limit)


def percentile(values: list[float], share: float = 0.95) -> float:
    """The value that `share` of the values do not exceed (nearest rank). Raise ValueError where there are none."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _shown(found: object) -> str:
    if isinstance(found, dict):
        return ", ".join(f"{name}={value}" for name, value in found.items())
    return ", ".join(map(str, found)) or "none" if isinstance(found, list | tuple | set) else str(found)
