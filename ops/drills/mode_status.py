"""Mode and reason are the same on the command line, in the trace and in the metrics, whatever brought them about."""

from django.core.management import call_command
from django.core.management.base import SystemCheckError

from ops.drills.isolation import Servers
from ops.drills.steps import Steps
from ops.drills.world import World

REASON = "drill"
MODES = ("off", "write_only", "read_write")


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    _same_everywhere(world, steps, "Reads and writes on", configured="read_write", effective="read_write")
    world.steer("--force", REASON, "--ttl", "60")
    _same_everywhere(world, steps, "Forced by an operator", configured="read_write", effective="write_only")
    steps.same("The reason on the command line", REASON, lambda: world.steer("--status")["forced"]["reason"])
    steps.same("The reason in the trace", REASON, lambda: world.say().memory["reason"])
    steps.same("Its source in the trace", "write_only_forced", world.source)
    steps.same("memory_mode_forced", 1.0, lambda: world.sample("memory_mode_forced"))
    steps.same("Downgrades counted", 1.0, lambda: world.sample('memory_zep_downgrades_total{reason="manual"}'))
    world.steer("--clear")
    _same_everywhere(world, steps, "Cleared", configured="read_write", effective="read_write")
    steps.same("Recoveries counted", 1.0, lambda: world.sample('memory_zep_recoveries_total{by="operator"}'))
    with world.flags(read=False, write=True):
        _same_everywhere(world, steps, "Reads off", configured="write_only", effective="write_only")
        steps.same("The turn counts as remembered", True, lambda: world.say().memory["used"])
    with world.flags(read=False, write=False):
        _same_everywhere(world, steps, "Both off", configured="off", effective="off")
        steps.same("The turn counts as not remembered", False, lambda: world.say().memory["used"])
    with world.flags(read=True, write=False):
        steps.same("Reads without writes", "refused at start", _checked)


def _same_everywhere(world: World, steps: Steps, when: str, *, configured: str, effective: str) -> None:
    expected = {"command": f"{configured}/{effective}", "trace": effective, "metrics": f"{configured}/{effective}"}
    steps.same(f"{when}: configured/effective mode", expected, lambda: _shown(world))


def _shown(world: World) -> dict[str, str]:
    status, samples = world.steer("--status"), world.samples()
    gauges = [
        " and ".join(mode for mode in MODES if samples[f'{gauge}{{mode="{mode}"}}'] == 1)
        for gauge in ("memory_mode_configured", "memory_mode_gauge")
    ]
    return {
        "command": f"{status['base_mode']}/{status['effective_mode']}",
        "trace": str(world.say().memory["mode"]),
        "metrics": "/".join(gauges),
    }


def _checked() -> str:
    try:
        call_command("check")
    except SystemCheckError as error:
        return "refused at start" if "memory.E001" in str(error) else "refused for another reason"
    return "accepted"
