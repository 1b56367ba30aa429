"""The memory's modes and what may change them: a table. No clock, no I/O.

The guard is what stands before reads. It is open, or forced: then nobody but the probe reads Zep. The scripts in
`guard_scripts.py` carry the table out; which states a signal changes is told to them from here.
"""

from enum import StrEnum


class MemoryMode(StrEnum):
    """`off`: neither read nor write. `write_only`: mirror, never read. `read_write`: both."""

    OFF = "off"
    WRITE_ONLY = "write_only"
    READ_WRITE = "read_write"


class Guard(StrEnum):
    """`open`: reads pass. `forced`: writes go on, reads stop."""

    OPEN = "open"
    FORCED = "forced"


class Signal(StrEnum):
    """What the guard is told. A signal that forces has as its value the `reason` that metrics count it under."""

    AUTH_REFUSED = "auth"
    READS_FAILING = "consecutive_failures"
    READS_SLOW = "latency"
    PROBE_FAILED = "probe_failed"
    OPERATOR_FORCES = "manual"
    PROBE_PASSED = "probe"
    OPERATOR_CLEARS = "operator"


TRANSITIONS: dict[tuple[Guard, Signal], Guard] = {
    (Guard.OPEN, Signal.AUTH_REFUSED): Guard.FORCED,
    (Guard.OPEN, Signal.READS_FAILING): Guard.FORCED,
    (Guard.OPEN, Signal.READS_SLOW): Guard.FORCED,
    (Guard.OPEN, Signal.OPERATOR_FORCES): Guard.FORCED,
    (Guard.FORCED, Signal.OPERATOR_FORCES): Guard.FORCED,  # replaces reason and time
    (Guard.FORCED, Signal.PROBE_FAILED): Guard.FORCED,  # a longer hold
    (Guard.FORCED, Signal.PROBE_PASSED): Guard.OPEN,
    (Guard.FORCED, Signal.OPERATOR_CLEARS): Guard.OPEN,
}
DOWNGRADES = tuple(
    signal for signal in Signal if any(TRANSITIONS.get((guard, signal)) is Guard.FORCED for guard in Guard)
)
RECOVERIES = tuple(signal for signal in Signal if TRANSITIONS.get((Guard.FORCED, signal)) is Guard.OPEN)
AUTOMATIC = (Signal.AUTH_REFUSED, Signal.READS_FAILING, Signal.READS_SLOW)


def changed_by(signal: Signal) -> frozenset[Guard]:
    """The states that `signal` changes; told in any other it changes nothing."""
    return frozenset(guard for guard in Guard if (guard, signal) in TRANSITIONS)


def effective(base: MemoryMode, guard: Guard | None) -> MemoryMode:
    """The mode in force. `guard` is None where its state is not known: then nothing is read either."""
    if base is MemoryMode.READ_WRITE and guard is not Guard.OPEN:
        return MemoryMode.WRITE_ONLY
    return base
