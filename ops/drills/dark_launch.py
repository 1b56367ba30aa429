"""The roll-out in small: stateless, write-only, then read-write. No downgrade without a cause, turns hardly slower."""

from collections.abc import Iterator

from ops.drills.isolation import Servers
from ops.drills.steps import LATER, Steps, percentile
from ops.drills.world import Answer, World, total

THREADS, TURNS_EACH = 5, 6
WARM_UP = 3
FLAGS = {
    "off": {"read": False, "write": False},
    "write_only": {"read": False, "write": True},
    "read_write": {"read": True, "write": True},
}


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    with world.worker():
        with world.flags(**FLAGS["write_only"]):  # also where a worker looks just after a talk has ended
            stateless = _talk(world, "off")
            _expect_answers(steps, "off", stateless)
            steps.same("Requests to Zep", 0, lambda: len(servers.standin.log()))
            written = _talk(world, "write_only")
            _expect_answers(steps, "write_only", written)
            world.expect_all_mirrored()
            _expect_hardly_slower(world, steps, "write_only", stateless, written)
            world.expect_fast_writes()
            steps.same("Reads of Zep", 0, lambda: world.reads_at_zep(0))
        remembered = _talk(world, "read_write")
        _expect_answers(steps, "read_write", remembered)
        without = sum(not each.memory["used"] for each in remembered)
        steps.below("Turns that Zep had no part in", 10, lambda: 100 * without / len(remembered), unit="%")
        _expect_hardly_slower(world, steps, "read_write", stateless, remembered)
    samples = world.samples()
    steps.same("Downgrades", 0.0, lambda: total(samples, "downgrades_total"))
    steps.same("Write holds, and publishing suspended", 0.0, lambda: sum(_opened(samples)))
    steps.same("Reads are off", "none", world.reason)


def _opened(samples: dict[str, float]) -> list[float]:
    return [value for name, value in samples.items() if name.startswith("circuit_open_total")]


def _talk(world: World, mode: str) -> list[Answer]:
    """A few conversations, begun and gone on with; the first turns of all warm up and are not counted.

    At people's pace: what a turn leaves to the worker is done before the next, for it is not the turn that is slower.
    """
    with world.flags(**FLAGS[mode]):
        for _ in range(WARM_UP):
            _say(world)
        threads = [_say(world) for _ in range(THREADS)]
        return threads + [_say(world, each.thread_id) for _ in range(TURNS_EACH - 1) for each in threads]


def _say(world: World, thread_id: str = "") -> Answer:
    answer = world.say(thread_id)
    world.wait_until_mirrored()
    return answer


def _expect_answers(steps: Steps, mode: str, answers: list[Answer]) -> None:
    steps.same(f"Turns answered in {mode}", {mode: THREADS * TURNS_EACH}, lambda: _by_mode(answers))


def _by_mode(answers: list[Answer]) -> dict[str, int]:
    found = [str(each.memory.get("mode", f"status {each.status}")) for each in answers]
    return {mode: found.count(mode) for mode in sorted(set(found))}


def _expect_hardly_slower(world: World, steps: Steps, mode: str, without: list[Answer], answers: list[Answer]) -> None:
    deltas = _deltas(world, mode, without, answers)
    steps.below(f"Turn p95 in {mode}, above stateless", 100, lambda: next(deltas), within=LATER)


def _deltas(world: World, mode: str, without: list[Answer], answers: list[Answer]) -> Iterator[float]:
    """Of these answers; then of those of further talks, both measured anew."""
    while True:
        yield _p95_ms(answers) - _p95_ms(without)
        without, answers = _talk(world, "off"), _talk(world, mode)


def _p95_ms(answers: list[Answer]) -> float:
    return 1000 * percentile([each.seconds for each in answers])
