"""The guard's scripts on a real Redis against a plain model in Python, in any order of events."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django.fixtures import Settings

from assistant import loops, redis_link
from assistant.memory import guard
from assistant.memory.flags import CONSECUTIVE_FAILURES_KEY
from assistant.memory.guard import AS_LONG_AS_IT_TAKES, ForcedMode, Kind, Permit
from ops.redis_process import RedisProcess
from tests.support.guarding import GuardInRedis, guard_in

HOLD, LONGEST, WINDOW, THRESHOLD, HEALTHY, LOCK = 300, 3600, 60, 3, 600, 10
SEQUENCES = int(os.environ.get("GUARD_SEQUENCES", "300"))  # 10000 at night
JUST_AFTER = 0.001
server: RedisProcess


@dataclass
class Model:
    """What the guard should be. `holds`: reason, end, failed probes, number of the change that made it."""

    now: float
    hold: tuple[str, float | None, int, int] | None = None
    changes: int = 0
    is_known: bool = True
    failures: list[float] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    remembered: tuple[int, float] = (0, 0.0)
    counters: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1

    def force(self, reason: str, seconds: float | None, failed_probes: int, counter: str) -> None:
        self.changes += 1
        until = None if seconds is None else self.now + seconds
        self.hold = (reason, until, failed_probes, self.changes)
        self.count(f"downgrades:{counter}")
        self.failures, self.slow = [], []

    def open(self, counter: str) -> None:
        self.changes += 1
        self.hold = None
        self.count(f"recoveries:{counter}")
        self.failures, self.slow = [], []

    def trip(self, reason: str) -> None:
        failed_probes = self.remembered[0] if self.now < self.remembered[1] else 0
        self.force(reason, min(HOLD * 2.0**failed_probes, LONGEST), failed_probes, reason)

    def report(self, kind: Kind, seen: int) -> None:
        if not self.is_known or self.hold or seen != self.changes:
            return
        match kind:
            case Kind.AUTH:
                self.trip("auth")
            case Kind.SUCCESS:
                self.failures, self.slow = [], []
            case Kind.SLOW:
                self.failures = []
                self.slow = self._streak(self.slow)
                if len(self.slow) >= THRESHOLD:
                    self.trip("latency")
            case Kind.FAILURE:
                self.failures = self._streak(self.failures)
                if len(self.failures) >= THRESHOLD:
                    self.trip("consecutive_failures")

    def _streak(self, times: list[float]) -> list[float]:
        return [at for at in [*times, self.now] if at > self.now - WINDOW]


class GuardMachine(RuleBasedStateMachine):
    """Each rule does the same to both; the invariants compare what can be seen of them."""

    @initialize()
    def begin(self) -> None:
        self.context = guard_in(server)
        self.real: GuardInRedis = self.context.__enter__()
        self.monkeypatch = pytest.MonkeyPatch()
        self.monkeypatch.setattr("random.random", lambda: 0.5)
        self.model = Model(self.real.now)
        self.epochs = [self.real.epoch]
        self.permits: list[tuple[Permit, int, float]] = []
        self.stored: list[dict[str, Any]] = []

    def teardown(self) -> None:
        if hasattr(self, "context"):
            self.monkeypatch.undo()
            self.context.__exit__(None, None, None)

    @rule(seconds=st.sampled_from([0.5, 5, 19, 41, 61, 299, 301, 601, 3601]))
    def time_passes(self, seconds: float) -> None:
        self.real.advance(seconds)
        self.model.now = self.real.now
        if seconds > LOCK:
            self.real.client.delete("mem:mode:probe_lock:v1")  # Redis's own clock did not move

    @rule(kind=st.sampled_from(Kind), late=st.integers(0, 3))
    def a_read_reports(self, kind: Kind, late: int) -> None:
        self.real.advance(JUST_AFTER)
        self.model.now = self.real.now
        late = min(late // 2, len(self.epochs) - 1)  # mostly of now
        loops.run(guard.report(kind, self.epochs[-1 - late]))
        self.model.report(kind, self.model.changes - late)

    @rule(seconds=st.sampled_from([60.0, 600.0, None]))
    def an_operator_forces(self, seconds: float | None) -> None:
        outcome = loops.run(guard.force("drill", "ayse", AS_LONG_AS_IT_TAKES if seconds is None else seconds))
        assert outcome == ("forced" if self.model.is_known else "unknown")
        if self.model.is_known:
            self.model.force("drill", seconds, 0, "manual")
            self.model.remembered = (0, 0.0)

    @rule()
    def an_operator_clears(self) -> None:
        outcome = loops.run(guard.clear("ayse"))
        if not self.model.is_known:
            assert outcome == "unknown"
        elif self.model.hold is None:
            assert outcome == "unchanged"
        else:
            assert outcome == "cleared"
            self.model.open("operator")
            self.model.remembered = (0, 0.0)

    @rule(although_not_due=st.booleans(), reads_are_on=st.sampled_from([True, True, False]))
    def a_probe_begins(self, although_not_due: bool, reads_are_on: bool) -> None:
        outcome = loops.run(guard.begin_probe(reads_are_on=reads_are_on, although_not_due=although_not_due))
        hold, now = self.model.hold, self.model.now
        if not self.model.is_known:
            expected = "not_due"
        elif hold is None:
            expected = "not_forced"
        elif not reads_are_on or not (although_not_due or (hold[1] is not None and now >= hold[1])):
            expected = "not_due"
        elif any(now - began <= LOCK for _, _, began in self.permits):
            expected = "locked"
        else:
            expected = "go"
        if self.model.is_known and expected != "go":
            self.model.count(f"probe:{expected}")
        assert (outcome if isinstance(outcome, str) else "go") == expected
        if isinstance(outcome, Permit):
            self.permits = [(outcome, self.model.changes, now)]

    @precondition(lambda self: bool(getattr(self, "permits", None)))
    @rule(passed=st.booleans())
    def a_probe_ends(self, passed: bool) -> None:
        permit, seen, began = self.permits.pop()
        outcome = loops.run(guard.end_probe(permit, passed=passed))
        hold = self.model.hold
        if self.model.now - began > LOCK or hold is None or hold[3] != seen:
            assert outcome == "outlived"
            return
        assert outcome == ("passed" if passed else "failed")
        self.model.count(f"probe:{outcome}")
        if hold[1] is None:
            return
        if not passed:
            self.model.force("probe_failed", min(HOLD * 2.0 ** (hold[2] + 1), LONGEST), hold[2] + 1, "probe_failed")
            return
        self.model.open("probe")
        if hold[2]:
            self.model.remembered = (hold[2], self.model.now + HEALTHY)

    @rule()
    def the_control_worker_stores(self) -> None:
        self.stored += loops.run(guard.unstored_transitions())
        if self.stored:
            loops.run(guard.drop_stored(self.stored[-1]["epoch"]))

    @rule()
    def redis_is_lost(self) -> None:
        self.real.lose()
        self.real.advance(JUST_AFTER)
        self.model.now = self.real.now
        self.model.is_known, self.model.hold, self.permits = False, None, []
        self.model.failures, self.model.slow, self.model.counters = [], [], {}
        self.model.remembered = (0, 0.0)

    @rule()
    def the_control_worker_makes_the_state(self) -> None:
        last = self.stored[-1] if self.stored else None
        forced = None
        if last and last["after"] == "forced":
            names = ("reason", "until", "epoch", "probe_failures")
            forced = ForcedMode(mode="write_only", forced_at=last["at"], **{name: last[name] for name in names})
        made = loops.run(guard.initialise(last["epoch"] if last else 0, forced, 0))
        assert made == (not self.model.is_known)
        if made:
            self.model.is_known = True
            self.model.changes += 1  # what was seen before the loss counts no more, unless nothing had changed
            if forced:
                self.model.hold = (forced.reason, forced.until, forced.probe_failures, self.model.changes)

    @invariant()
    def they_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        real, hold = self.real.forced, self.model.hold
        assert (real is None) == (hold is None)
        if real and hold:
            assert (real.reason, real.probe_failures) == (hold[0], hold[2])
            assert real.until == (None if hold[1] is None else pytest.approx(hold[1], abs=0.002))
        assert self.real.counters() == self.model.counters
        seen = int(self.real.client.get(CONSECUTIVE_FAILURES_KEY) or 0)
        assert seen == len(self.model.failures)

    @invariant()
    def the_epoch_only_grows(self) -> None:
        if not hasattr(self, "model"):
            return
        epoch = self.real.epoch
        if self.model.is_known and epoch != self.epochs[-1]:
            assert int(epoch) > int(self.epochs[-1])
            self.epochs.append(epoch)


@pytest.fixture
def patience(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Redis has all the time it wants: a busy machine is not what is tried here."""
    loops.run(loops.aclose())
    settings.REDIS_BUDGET_MS = 60_000
    monkeypatch.setattr(redis_link, "EXCHANGE_SECONDS", 60.0)
    yield
    loops.run(loops.aclose())


@pytest.mark.usefixtures("patience")
def test_the_scripts_do_what_the_model_says(redis_server: RedisProcess) -> None:
    global server  # noqa: PLW0603  # Hypothesis makes the machine itself
    server = redis_server
    run_state_machine_as_test(
        GuardMachine,
        settings=hypothesis.settings(
            max_examples=SEQUENCES,
            stateful_step_count=30,
            deadline=None,
            derandomize=os.environ.get("CI") == "true",
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
