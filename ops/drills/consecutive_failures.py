"""Timeouts and server errors in a row stop reads; a success between them begins the count anew; 404 never counts."""

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


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    threshold = settings.MEMORY_DOWNGRADE_THRESHOLD
    steps.expect("Failures in a row that stop reads", f"at most {AT_MOST}", lambda: threshold, lambda n: n <= AT_MOST)
    for tripped, (reason, fault) in enumerate(FAULTS.items(), start=1):
        _trips(world, steps, reason, fault, tripped)
    _never_trips(world, steps)


def _trips(world: World, steps: Steps, reason: str, fault: dict[str, object], tripped: int) -> None:
    standin, threshold = world.servers.standin, settings.MEMORY_DOWNGRADE_THRESHOLD
    standin.fault(**fault)  # type: ignore[arg-type]  # a table of keyword arguments
    failed = _fail(world, steps, reason, threshold - 1)
    standin.clear()
    steps.same("A read that succeeds", "zep", world.source)
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
    failed = []
    for streak in range(1, times + 1):
        answer = world.say()
        failed.append(answer)
        found = answer.memory.get("reason", "no failure")
        steps.same(f"Read {streak} of {times} that fails", reason, lambda found=found: found)  # type: ignore[misc]  # bound
        _heard(world, steps, streak)
    return failed


def _heard(world: World, steps: Steps, streak: int) -> None:
    """The streak, which ends where it stops reads."""
    steps.expect(
        "Streak, or reads are off",
        str(streak),
        lambda: world.reason() if world.forced else world.state.failures,
        lambda found: found in (streak, "consecutive_failures"),
        within=SOON,
    )


def _never_trips(world: World, steps: Steps) -> None:
    world.servers.standin.fault("status", route="read", status=HARMLESS)
    for _ in range(settings.MEMORY_DOWNGRADE_THRESHOLD + 1):
        world.say()
    steps.same(f"Failures counted of answers with {HARMLESS}", 0, lambda: world.state.failures)
    steps.same("Reads are on", "none", world.reason)
