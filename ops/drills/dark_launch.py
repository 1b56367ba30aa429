"""The roll-out in small: stateless, write-only, then read-write. No downgrade without a cause, turns hardly slower."""

from ops.drills.isolation import Servers
from ops.drills.steps import Steps, percentile
from ops.drills.world import Answer, World, total

THREADS, TURNS_EACH = 5, 6
WARM_UP = 3


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    with world.worker():
        with world.flags(read=False, write=False):
            stateless = _talk(world)
        _expect(steps, "off", stateless)
        steps.same("Requests to Zep", 0, lambda: len(servers.standin.log()))
        with world.flags(read=False, write=True):
            written = _talk(world)
            _expect(steps, "write_only", written)
            _expect_hardly_slower(steps, "write_only", stateless, written)
            world.expect_all_mirrored()
        steps.same("Reads of Zep", 0, lambda: world.reads_at_zep(0))
        world.expect_fast_writes()
        remembered = _talk(world)
        _expect(steps, "read_write", remembered)
        _expect_hardly_slower(steps, "read_write", stateless, remembered)
        steps.same("Turns that Zep had no part in", 0, lambda: sum(not each.memory["used"] for each in remembered))
    samples = world.samples()
    steps.same("Downgrades", 0.0, lambda: total(samples, "downgrades_total"))
    steps.same("Reads that failed", 0.0, lambda: total(samples, "context_failures_total"))
    steps.same("Write holds, and publishing suspended", 0.0, lambda: sum(_opened(samples)))
    steps.same("Reads are off", "none", world.reason)


def _opened(samples: dict[str, float]) -> list[float]:
    return [value for name, value in samples.items() if name.startswith("circuit_open_total")]


def _talk(world: World) -> list[Answer]:
    """A few conversations, begun and gone on with; the first turns of all warm up and are not counted."""
    for _ in range(WARM_UP):
        world.say()
    threads = [world.say() for _ in range(THREADS)]
    return threads + [world.say(each.thread_id) for _ in range(TURNS_EACH - 1) for each in threads]


def _expect(steps: Steps, mode: str, answers: list[Answer]) -> None:
    turns = THREADS * TURNS_EACH
    modes = {mode: turns}
    steps.same(f"Turns answered in {mode}", modes, lambda: _by_mode(answers))


def _by_mode(answers: list[Answer]) -> dict[str, int]:
    found = [str(each.memory.get("mode", f"status {each.status}")) for each in answers]
    return {mode: found.count(mode) for mode in sorted(set(found))}


def _expect_hardly_slower(steps: Steps, mode: str, without: list[Answer], answers: list[Answer]) -> None:
    steps.below(f"Turn p95 in {mode}, above stateless", 100, lambda: _p95_ms(answers) - _p95_ms(without))


def _p95_ms(answers: list[Answer]) -> float:
    return 1000 * percentile([each.seconds for each in answers])
