"""Reads bring context within the budget, and a turn that follows finds it in the cache."""

from itertools import chain, count

from assistant.events import ContextRead, ContextServedFromCache
from ops.drills.isolation import Servers
from ops.drills.steps import LATER, SOON, Steps, percentile
from ops.drills.world import World

THREADS, ROUNDS, READS = 5, 4, 30
FAILED_AT_MOST = 10  # %: more is a reason to go back to write-only


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    with world.worker():
        threads = [world.say().thread_id for _ in range(THREADS)]
        world.expect_all_mirrored()
        _read_then_hit(world, steps, threads[0])
        _hit_rate(world, steps, threads)
    _read_p95(world, steps, threads)


def _read_then_hit(world: World, steps: Steps, thread_id: str) -> None:
    world.forget(thread_id)
    read = world.say(thread_id).memory
    from_zep = {"used": True, "source": "zep", "cached": False}
    steps.same("A turn whose context is not cached", from_zep, lambda: _part_of(read, from_zep))
    steps.above("Messages in its context", 0, lambda: read["recent_count"], unit="messages")
    world.expect_all_mirrored("Its messages reach Zep, and the worker reads ahead")
    cached = {"used": True, "source": "zep", "cached": True}
    steps.same("The turn after it", cached, lambda: _part_of(world.say(thread_id).memory, cached), within=SOON)


def _hit_rate(world: World, steps: Steps, threads: list[str]) -> None:
    """Of turns in known threads, at a speaker's pace: the next turn comes when the one before has been mirrored."""
    world.heard.clear()
    for _ in range(ROUNDS):
        for thread_id in threads:
            world.say(thread_id)
        world.wait_until_mirrored()
    hits, reads = (sum(isinstance(e, kind) for e in world.heard) for kind in (ContextServedFromCache, ContextRead))
    steps.above("Cache hits after warm-up", 60, lambda: 100 * hits / max(hits + reads, 1))
    steps.same("memory_zep_context_cache_hits_total counts them", True, lambda: _counted_hits(world) >= hits)


def _counted_hits(world: World) -> float:
    return world.sample("memory_zep_context_cache_hits_total")


def _read_p95(world: World, steps: Steps, threads: list[str]) -> None:
    """Without a worker nobody reads ahead: every turn has to ask Zep."""
    seconds, failed = _reads(world, threads)
    steps.above("Reads measured", READS // 2, lambda: len(seconds), unit="reads")
    steps.below("Reads that failed", FAILED_AT_MOST, lambda: 100 * len(failed) / READS, unit="%")
    again = (_reads(world, threads)[0] for _ in count())
    p95s = (1000 * percentile(each) for each in chain([seconds], again))
    steps.below("Read p95", 250, lambda: next(p95s), within=LATER)


def _reads(world: World, threads: list[str]) -> tuple[list[float], list[object]]:
    """How long reads of Zep took, and why some failed."""
    world.heard.clear()
    answers = []
    for number in range(READS):
        thread_id = threads[number % THREADS]
        world.forget(thread_id)
        answers.append(world.say(thread_id))
    failed = [each.memory.get("reason", "?") for each in answers if not each.memory.get("used")]
    return [event.seconds for event in world.heard if isinstance(event, ContextRead)], failed


def _part_of(memory: dict[str, object], names: dict[str, object]) -> dict[str, object]:
    return {name: memory.get(name) for name in names}
