"""While Zep takes nothing turns are answered and the whole cluster waits; then everything drains, each message once."""

from assistant import loops
from assistant.memory import write_hold
from ops.drills.isolation import Servers
from ops.drills.steps import LATER, SOON, Steps
from ops.drills.world import World
from workers.sweep import sweep

THREADS = 4


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    with world.worker():
        threads = [world.say().thread_id for _ in range(THREADS)]
        world.expect_all_mirrored("Before: every message reaches Zep")
        _outage(world, steps, threads)
        servers.standin.clear()
        servers.standin.fault("store_then_500", route="write", count=1)  # Zep stores, and says that it did not
        steps.same("Zep is back: the hold ends", False, _swept_and_held, within=LATER)
        steps.same("Messages that wait", 0.0, lambda: _swept_and_waiting(world), within=LATER)
        world.expect_all_mirrored("After: every message is at Zep")
    steps.same("Dead letters", 0.0, lambda: world.sample("memory_mirror_dead_letters"))
    steps.same("Downgrades of reads", "none", world.reason)


def _outage(world: World, steps: Steps, threads: list[str]) -> None:
    world.servers.standin.fault("status", route="write", status=503)
    said = [world.say(thread_id) for thread_id in threads]
    steps.same("Turns answered while Zep takes nothing", THREADS, lambda: sum(each.is_answered for each in said))
    steps.same("The cluster waits", True, _is_held, within=SOON)
    after = world.servers.standin.last_n()
    said = [world.say(thread_id) for thread_id in threads]
    steps.same("Turns answered during the hold", THREADS, lambda: sum(each.is_answered for each in said))
    waiting = 4.0 * THREADS
    steps.same("Messages that wait", waiting, lambda: world.sample("memory_mirror_backlog"), within=SOON)
    steps.same("memory_write_hold", 1.0, lambda: world.sample("memory_write_hold"))
    steps.same("Holds counted", 1.0, lambda: world.sample('circuit_open_total{component="zep"}'))
    canaries = [entry for entry in world.servers.standin.log(after) if entry["method"] == "POST"]
    writes = [entry for entry in canaries if str(entry["path"]).endswith("/memory")]
    steps.expect("Writes tried during the hold", "at most 2", lambda: len(writes), lambda tried: tried <= 2)  # noqa: PLR2004
    steps.same("Dead letters", 0.0, lambda: world.sample("memory_mirror_dead_letters"))


def _is_held() -> bool:
    return loops.run(write_hold.state()).is_on


def _swept_and_held() -> bool:
    """Beat's sweep, then whether the cluster still waits."""
    sweep()
    return _is_held()


def _swept_and_waiting(world: World) -> float:
    sweep()
    return world.sample("memory_mirror_backlog")
