"""What becomes of a message that Zep did not take. Pure: no clock, no I/O; numbers in, a decision out.

An outage is not the message's fault and never reaches this module's limits: it is `write_hold`'s affair.
"""

from dataclasses import dataclass

REFUSAL_RETRY_SECONDS = (1.0, 2.0, 4.0)  # three more tries within 10 s, while the thread waits
STRIKES_THAT_CONDEMN = 5  # server errors for this message while other threads' messages went through
STRIKE_RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class TryAgain:
    """The thread waits and tries the message again."""

    after_seconds: float


@dataclass(frozen=True)
class GiveUp:
    """The message becomes a dead letter of this kind, and the thread goes on."""

    kind: str


Decision = TryAgain | GiveUp


def after_refusal(kind: str, refusals: int) -> Decision:
    """Zep refused the message itself (400, 413, 422, …). `refusals` counts this one."""
    if refusals > len(REFUSAL_RETRY_SECONDS):
        return GiveUp(kind)
    return TryAgain(REFUSAL_RETRY_SECONDS[refusals - 1])


def after_strike(kind: str, strikes: int) -> Decision:
    """A server error while others succeed. `strikes` counts this one."""
    return GiveUp(kind) if strikes >= STRIKES_THAT_CONDEMN else TryAgain(STRIKE_RETRY_SECONDS)
