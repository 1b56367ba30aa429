"""Reads come back when the hold is over and the probe passes, by nothing else: no turn ever probes."""

from assistant import loops
from assistant.memory import guard
from ops.drills.isolation import Servers
from ops.drills.steps import SOON, Steps
from ops.drills.world import World


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    steps.same("Zep is well: a read", "zep", world.read_patiently)
    steps.same("The probe while reads are on", "not_forced", world.tick)
    servers.standin.fault("status", route="read", status=401)
    steps.same("A refused read", "auth", world.source, within=SOON)
    steps.same("Reads are off", "auth", world.reason, within=SOON)
    after = servers.standin.last_n()
    servers.standin.clear()
    steps.same("Zep is mended; a turn", "write_only_forced", world.source)
    steps.expect("The hold ends", "<= 0 s left", lambda: _left(world), lambda left: left <= 0, within=SOON)
    steps.same("A turn after it", "write_only_forced", world.source)
    steps.same("Requests to Zep meanwhile", 0, lambda: len(servers.standin.log(after)))
    steps.same("The control worker's tick", "passed", world.tick, within=SOON)
    steps.same("Reads are on", "none", world.reason)
    steps.same("A turn", "zep", world.source, within=SOON)
    steps.same("Recoveries counted", 1.0, lambda: world.sample('memory_zep_recoveries_total{by="probe"}'))
    steps.same("Passed probes counted", 1.0, lambda: world.sample('memory_probe_runs_total{outcome="passed"}'))
    mode = 'memory_mode_gauge{mode="read_write"}'
    steps.same("memory_mode_gauge says read_write", 1.0, lambda: world.sample(mode))


def _left(world: World) -> float:
    """Seconds until the probe may try, by the clock of the guard."""
    forced, now = world.forced, loops.run(guard.redis_now())
    return round(forced.until - now, 3) if forced and forced.until else 0.0
