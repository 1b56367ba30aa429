"""A refused key (401, 403) stops reads at once, for everybody; turns are answered and writes go on."""

from http import HTTPStatus

from ops.drills.isolation import Servers
from ops.drills.steps import SOON, Steps
from ops.drills.world import World

CONTEXTS = "/sessions"  # not what the mirror asks about users
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    steps.same("Zep is well: a read", "zep", world.read_patiently)
    with world.worker():
        for refused, status in enumerate(REFUSALS, start=1):
            _refused(world, steps, status.value, refused)
        servers.standin.clear()
        world.expect_all_mirrored("Every message of it reaches Zep")


def _refused(world: World, steps: Steps, status: int, refused: int) -> None:
    world.servers.standin.fault("status", route="read", path=CONTEXTS, status=status)
    steps.same(f"The turn whose read is refused with {status}", "auth", world.source, within=SOON)
    steps.same("Reads are off", "auth", world.reason, within=SOON)
    after = world.servers.standin.last_n()
    others = [world.say() for _ in range(3)]
    forced = ["write_only_forced auth"] * len(others)
    steps.same("Turns after it", forced, lambda: [f"{e.memory['source']} {e.memory['reason']}" for e in others])
    steps.same("Reads of Zep meanwhile", 0, lambda: world.reads_at_zep(after))
    world.expect_all_mirrored("Writes go on")
    counted = 'memory_zep_downgrades_total{reason="auth"}'
    steps.same("Downgrades counted", float(refused), lambda: world.sample(counted))
    steps.same("memory_mode_gauge says write_only", 1.0, lambda: world.sample('memory_mode_gauge{mode="write_only"}'))
    world.servers.standin.clear()
    world.steer("--clear")
    steps.same("An operator lets reads go on", "zep", world.source, within=SOON)
