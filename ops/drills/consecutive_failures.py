"""Timeouts and server errors in a row stop reads; a success between them begins the count anew; 404 never counts."""

import time
from functools import partial

from django.conf import settings

from ops.drills.isolation import Servers
from ops.drills.steps import SOON, Steps
from ops.drills.world import Answer, World

AT_MOST = 10  # a threshold above it lets an outage cost that many turns their whole budget
OVERHEAD_MS = 250  # that a busy machine may add to the budget of a read
FAULTS: dict[str, dict[str, object]] = {
    "timeout": {"kind": "hang", "route": "read"},
    "http_503": {"kind": "status", "route": "read", "status": 503},
    "connection": {"kind": "reset", "route": "read"},
}
HARMLESS = 404
HEARD_SECONDS = 2.0


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    threshold = settings.MEMORY_DOWNGRADE_THRESHOLD
    steps.expect("Failures in a row that stop reads", f"at most {AT_MOST}", lambda: threshold, lambda n: n <= AT_MOST)
    steps.same("Zep is well: a read", "zep", world.read_patiently)
    for tripped, (reason, fault) in enumerate(FAULTS.items(), start=1):
        _trips(world, steps, reason, fault, tripped)
    _never_trips(world, steps)


def _trips(world: World, steps: Steps, reason: str, fault: dict[str, object], tripped: int) -> None:
    standin, threshold = world.servers.standin, settings.MEMORY_DOWNGRADE_THRESHOLD
    standin.fault(**fault)  # type: ignore[arg-type]  # a table of keyword arguments
    failed = _fail(world, steps, reason, threshold - 1)
    standin.clear()
    steps.same("A read that succeeds", "zep", world.read_patiently)
    steps.same("ends the streak", 0, lambda: world.state.failures, within=SOON)
    steps.same("Reads are on", "none", world.reason)
    standin.fault(**fault)  # type: ignore[arg-type]  # see above
    failed += _fail(world, steps, reason, threshold)
    steps.same("Reads are off", "consecutive_failures", world.reason, within=SOON)
    after = standin.last_n()
    steps.same("The next turn", "write_only_forced", world.source)
    steps.same("Reads of Zep meanwhile", 0, lambda: world.reads_at_zep(after))
    longest = settings.ZEP_READ_BUDGET_MS + OVERHEAD_MS
    steps.below("The longest that a turn spent on memory", longest, lambda: max(e.memory["took_ms"] for e in failed))
    counted = 'memory_zep_downgrades_total{reason="consecutive_failures"}'
    steps.same("Downgrades counted", float(tripped), lambda: world.sample(counted))
    standin.clear()
    world.steer("--clear")
    world.steer("--reset-failures")
    steps.same("An operator lets reads go on", "zep", world.source, within=SOON)


def _fail(world: World, steps: Steps, reason: str, times: int) -> list[Answer]:
    """One failed read after another, each told to the guard before the next."""
    failed: list[Answer] = []
    for streak in range(1, times + 1):
        steps.expect(
            f"Failed reads in a row: {streak} of {times}",
            f"{reason}, streak {streak} or reads are off",
            partial(_fail_once, world, streak, failed),
            lambda found: found.startswith(reason) and "not heard" not in found,
            within=SOON,
        )
    return failed


def _fail_once(world: World, streak: int, failed: list[Answer]) -> str:
    """A turn whose read fails; why, and what the guard made of it.

    Where this process is too busy to ask Zep in time, the guard is not told: that is nobody's failure.
    """
    answer = world.say()
    failed.append(answer)
    deadline = time.monotonic() + HEARD_SECONDS
    while time.monotonic() < deadline:
        state = world.state
        if state.forced or state.failures == streak:
            return f"{answer.memory['reason']}, {state.forced.reason if state.forced else f'streak {streak}'}"
    return f"{answer.memory.get('reason')}, not heard: streak {world.state.failures}"


def _never_trips(world: World, steps: Steps) -> None:
    world.servers.standin.fault("status", route="read", status=HARMLESS)
    for _ in range(settings.MEMORY_DOWNGRADE_THRESHOLD + 1):
        world.say()
    steps.same(f"Failures counted of answers with {HARMLESS}", 0, lambda: world.state.failures)
    steps.same("Reads are on", "none", world.reason)
