"""A forgotten or outdated context is read anew, and a slow reader puts nothing old back."""

from concurrent.futures import ThreadPoolExecutor

from assistant import loops
from assistant.events import ContextRefreshed
from assistant.memory.service import fetch_thread_context
from ops.drills.isolation import Servers
from ops.drills.steps import SOON, Steps
from ops.drills.world import World

PATIENT_MS = 10_000
SLOW_MS = 700


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    with world.worker():
        thread_id = world.say().thread_id
        world.expect_all_mirrored()
    _fill(world, steps, thread_id)
    _forgotten_by_an_operator(world, steps, thread_id)
    _slow_reader(world, steps, thread_id)
    _outdated_by_new_messages(world, steps, thread_id)


def _is_cached(thread_id: str) -> bool:
    return fetch_thread_context(thread_id, timeout_ms=PATIENT_MS)[1].get("cached") is True


def _fill(world: World, steps: Steps, thread_id: str) -> None:
    steps.same("Read until it is cached", True, lambda: _is_cached(thread_id), within=SOON)
    after = world.servers.standin.last_n()
    steps.same("The next read", "cached", lambda: "cached" if _is_cached(thread_id) else "read")
    steps.same("Reads of Zep meanwhile", 0, lambda: world.reads_at_zep(after))


def _forgotten_by_an_operator(world: World, steps: Steps, thread_id: str) -> None:
    after = world.servers.standin.last_n()
    world.steer("--invalidate", thread_id)
    steps.same("After zep_mode --invalidate", "read", lambda: "cached" if _is_cached(thread_id) else "read")
    steps.same("Reads of Zep meanwhile", 1, lambda: world.reads_at_zep(after))
    steps.same("It is cached again", True, lambda: _is_cached(thread_id), within=SOON)


def _slow_reader(world: World, steps: Steps, thread_id: str) -> None:
    """It asked before the context was forgotten, and is answered after: what it got may not be kept."""
    world.forget(thread_id)
    after = world.servers.standin.last_n()
    world.servers.standin.fault("delay", route="read", delay_ms=SLOW_MS, count=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(fetch_thread_context, thread_id, timeout_ms=PATIENT_MS)
        steps.same("A slow reader asks Zep", 1, lambda: world.reads_at_zep(after), within=SOON)
        world.forget(thread_id)
        steps.same("It is answered", True, lambda: slow.result()[1]["used"])
    loops.run(_all_is_written())
    steps.same("What it got", "dropped", lambda: "kept" if _is_cached(thread_id) else "dropped")


async def _all_is_written() -> None:
    for task in loops.unfinished():
        await task


def _outdated_by_new_messages(world: World, steps: Steps, thread_id: str) -> None:
    steps.same("It is cached again", True, lambda: _is_cached(thread_id), within=SOON)
    before = _remembered(thread_id)
    world.heard.clear()
    with world.worker():
        world.say(thread_id)
        world.expect_all_mirrored("New messages reach Zep")
        steps.same("The worker reads the context ahead", True, lambda: _has_read_ahead(world), within=SOON)
    after = world.servers.standin.last_n()
    steps.same("Messages in the context", before + 2, lambda: _remembered(thread_id))
    steps.same("Reads of Zep for it", 0, lambda: world.reads_at_zep(after))


def _has_read_ahead(world: World) -> bool:
    return ContextRefreshed() in world.heard


def _remembered(thread_id: str) -> int:
    """Messages in the context."""
    context, _ = fetch_thread_context(thread_id, timeout_ms=PATIENT_MS)
    return len(context.recent) if context else 0
