"""What forces the guard, what opens it, and what does neither: every event in every state, written out.

The real scripts on the real Redis; only their clock is the test's.
"""

from dataclasses import dataclass, field

import pytest

from assistant.events import Event
from assistant.memory.flags import CONSECUTIVE_FAILURES_KEY, MemoryMode
from assistant.memory.modes import TRANSITIONS, Guard, Signal, changed_by, effective
from tests.memory.guard_events import (
    HOLD,
    Step,
    auth_refused,
    changes,
    due,
    healthy,
    held,
    held_by_operator,
    held_until_cleared,
    late_auth_refused,
    lately_recovered,
    lost,
    one_failure,
    operator_clears,
    operator_forces,
    probe_asked_for,
    probed_in_vain,
    rate_limited,
    shaken,
    success,
    three_failures,
    tick_that_would_fail,
    tick_that_would_pass,
)
from tests.support.guarding import GuardInRedis


@dataclass(frozen=True)
class Then:
    """What is to be seen afterwards. `reason` is empty where reads are open; `left`: seconds to the next probe."""

    reason: str = ""
    left: float | None = None
    failures: int = 0
    announced: tuple[str, ...] = field(default=())


OPEN = Then()
STILL_HELD = Then("auth", HOLD - 10)
STILL_DUE = Then("auth", -10)
STILL_PROBED = Then("probe_failed", 2 * HOLD)
STILL_MAINTAINED = Then("maintenance", 600)
UNTIL_CLEARED = Then("maintenance", None)
TRIPPED = Then("consecutive_failures", HOLD, announced=("consecutive_failures",))
REFUSED = Then("auth", HOLD, announced=("auth",))
DRILL = Then("drill", 60, announced=("drill",))
BY_PROBE, BY_HAND = Then(announced=("probe",)), Then(announced=("mehmet",))

TABLE: dict[tuple[Step, Step], Then] = {
    (healthy, one_failure): Then(failures=1),
    (healthy, three_failures): TRIPPED,
    (healthy, auth_refused): REFUSED,
    (healthy, late_auth_refused): OPEN,
    (healthy, success): OPEN,
    (healthy, rate_limited): OPEN,
    (healthy, tick_that_would_pass): OPEN,
    (healthy, tick_that_would_fail): OPEN,
    (healthy, probe_asked_for): OPEN,
    (healthy, operator_forces): DRILL,
    (healthy, operator_clears): OPEN,
    (shaken, one_failure): TRIPPED,
    (shaken, three_failures): TRIPPED,
    (shaken, auth_refused): REFUSED,
    (shaken, late_auth_refused): Then(failures=2),
    (shaken, success): OPEN,
    (shaken, rate_limited): Then(failures=2),
    (shaken, tick_that_would_pass): Then(failures=2),
    (shaken, tick_that_would_fail): Then(failures=2),
    (shaken, probe_asked_for): Then(failures=2),
    (shaken, operator_forces): DRILL,
    (shaken, operator_clears): Then(failures=2),
    (held, one_failure): STILL_HELD,
    (held, three_failures): STILL_HELD,
    (held, auth_refused): STILL_HELD,
    (held, late_auth_refused): STILL_HELD,
    (held, success): STILL_HELD,
    (held, rate_limited): STILL_HELD,
    (held, tick_that_would_pass): STILL_HELD,
    (held, tick_that_would_fail): STILL_HELD,
    (held, probe_asked_for): BY_PROBE,
    (held, operator_forces): DRILL,
    (held, operator_clears): BY_HAND,
    (due, one_failure): STILL_DUE,
    (due, three_failures): STILL_DUE,
    (due, auth_refused): STILL_DUE,
    (due, late_auth_refused): STILL_DUE,
    (due, success): STILL_DUE,
    (due, rate_limited): STILL_DUE,
    (due, tick_that_would_pass): BY_PROBE,
    (due, tick_that_would_fail): Then("probe_failed", 2 * HOLD, announced=("probe_failed",)),
    (due, probe_asked_for): BY_PROBE,
    (due, operator_forces): DRILL,
    (due, operator_clears): BY_HAND,
    (probed_in_vain, one_failure): STILL_PROBED,
    (probed_in_vain, three_failures): STILL_PROBED,
    (probed_in_vain, auth_refused): STILL_PROBED,
    (probed_in_vain, late_auth_refused): STILL_PROBED,
    (probed_in_vain, success): STILL_PROBED,
    (probed_in_vain, rate_limited): STILL_PROBED,
    (probed_in_vain, tick_that_would_pass): STILL_PROBED,
    (probed_in_vain, tick_that_would_fail): STILL_PROBED,
    (probed_in_vain, probe_asked_for): BY_PROBE,
    (probed_in_vain, operator_forces): DRILL,
    (probed_in_vain, operator_clears): BY_HAND,
    (held_by_operator, one_failure): STILL_MAINTAINED,
    (held_by_operator, three_failures): STILL_MAINTAINED,
    (held_by_operator, auth_refused): STILL_MAINTAINED,
    (held_by_operator, late_auth_refused): STILL_MAINTAINED,
    (held_by_operator, success): STILL_MAINTAINED,
    (held_by_operator, rate_limited): STILL_MAINTAINED,
    (held_by_operator, tick_that_would_pass): STILL_MAINTAINED,
    (held_by_operator, tick_that_would_fail): STILL_MAINTAINED,
    (held_by_operator, probe_asked_for): BY_PROBE,
    (held_by_operator, operator_forces): DRILL,
    (held_by_operator, operator_clears): BY_HAND,
    (held_until_cleared, one_failure): UNTIL_CLEARED,
    (held_until_cleared, three_failures): UNTIL_CLEARED,
    (held_until_cleared, auth_refused): UNTIL_CLEARED,
    (held_until_cleared, late_auth_refused): UNTIL_CLEARED,
    (held_until_cleared, success): UNTIL_CLEARED,
    (held_until_cleared, rate_limited): UNTIL_CLEARED,
    (held_until_cleared, tick_that_would_pass): UNTIL_CLEARED,
    (held_until_cleared, tick_that_would_fail): UNTIL_CLEARED,
    (held_until_cleared, probe_asked_for): UNTIL_CLEARED,
    (held_until_cleared, operator_forces): DRILL,
    (held_until_cleared, operator_clears): BY_HAND,
    (lately_recovered, one_failure): Then(failures=1),
    (lately_recovered, three_failures): Then("consecutive_failures", 2 * HOLD, announced=("consecutive_failures",)),
    (lately_recovered, auth_refused): Then("auth", 2 * HOLD, announced=("auth",)),
    (lately_recovered, late_auth_refused): OPEN,
    (lately_recovered, success): OPEN,
    (lately_recovered, rate_limited): OPEN,
    (lately_recovered, tick_that_would_pass): OPEN,
    (lately_recovered, tick_that_would_fail): OPEN,
    (lately_recovered, probe_asked_for): OPEN,
    (lately_recovered, operator_forces): DRILL,
    (lately_recovered, operator_clears): OPEN,
    (lost, one_failure): OPEN,
    (lost, three_failures): OPEN,
    (lost, auth_refused): OPEN,
    (lost, late_auth_refused): OPEN,
    (lost, success): OPEN,
    (lost, rate_limited): OPEN,
    (lost, tick_that_would_pass): OPEN,
    (lost, tick_that_would_fail): OPEN,
    (lost, probe_asked_for): OPEN,
    (lost, operator_forces): OPEN,
    (lost, operator_clears): OPEN,
}


@pytest.mark.parametrize(
    ("state", "event"), TABLE, ids=[f"{state.__name__}-{event.__name__}" for state, event in TABLE]
)
async def test_an_event_in_a_state(guarded: GuardInRedis, announced: list[Event], state: Step, event: Step) -> None:
    await state(guarded)
    announced.clear()
    epoch = guarded.epoch

    await event(guarded)

    then = TABLE[state, event]
    assert (guarded.forced.reason if guarded.forced else "") == then.reason
    assert guarded.left == then.left
    assert int(guarded.client.get(CONSECUTIVE_FAILURES_KEY) or 0) == then.failures
    assert changes(announced) == then.announced
    assert (guarded.epoch != epoch) == bool(then.announced)


def test_the_table_has_every_event_in_every_state() -> None:
    states, events = {state for state, _ in TABLE}, {event for _, event in TABLE}

    assert len(TABLE) == len(states) * len(events)


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("before", Guard)
def test_a_pair_that_is_not_in_the_table_changes_nothing(before: Guard, signal: Signal) -> None:
    assert (before in changed_by(signal)) == ((before, signal) in TRANSITIONS)


@pytest.mark.parametrize("base", MemoryMode)
@pytest.mark.parametrize("state", [*Guard, None])
def test_the_guard_takes_away_reads_and_nothing_else(base: MemoryMode, state: Guard | None) -> None:
    reads = base is MemoryMode.READ_WRITE and state is Guard.OPEN

    assert effective(base, state) is (base if reads or base is not MemoryMode.READ_WRITE else MemoryMode.WRITE_ONLY)
