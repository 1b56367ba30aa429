"""A circuit breaker for one process: when to stop asking something that fails. Knows no clock; time is passed in."""


class Breaker:
    """After some failures without a success between them nobody may ask; after a pause one caller tries.

    `failures_that_matter`: how many in a row open the circuit. Times are seconds of a monotonic clock. A lost
    update between threads does no harm: one caller more or less tries.
    """

    def __init__(self, *, failures_that_matter: int, pause_seconds: float) -> None:
        self._failures_that_matter = failures_that_matter
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: callers go without, but for one after each pause."""
        return self._failures >= self._failures_that_matter

    def admits(self, now: float) -> bool:
        """Whether this caller may ask. Past the pause one caller may, and the pause begins anew for the others."""
        if not self.is_open:
            return True
        if now < self._closed_until:
            return False
        self._closed_until = now + self._pause_seconds
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, now: float) -> bool:
        """Note a failure; True where it is the one that opens the circuit."""
        self._failures += 1
        self._closed_until = now + self._pause_seconds
        return self._failures == self._failures_that_matter
