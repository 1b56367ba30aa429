"""While Zep stays broken each failed probe doubles the hold, up to its limit, and nothing asks Zep in between."""

from itertools import pairwise

from django.conf import settings

from assistant.models import ModeTransition
from ops.drills.isolation import Servers
from ops.drills.steps import SOON, Steps
from ops.drills.world import World

FAILED_PROBES = 3
JITTER = 0.1
ROUNDING = 0.02


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    steps.same("Zep is well: a read", "zep", world.read_patiently)
    servers.standin.fault("status", route="read", status=401)
    steps.same("A refused read", "auth", world.source, within=SOON)
    steps.same("Reads are off", "auth", world.reason, within=SOON)
    after = servers.standin.last_n()
    for failures in range(1, FAILED_PROBES + 1):
        steps.same("A tick at once", "not_due", world.tick)
        steps.same("A tick when the hold is over", "failed", world.tick, within=SOON)
        steps.same("Why reads are off", "probe_failed", world.reason)
        steps.same("Failed probes", failures, lambda: world.forced.probe_failures if world.forced else -1)
    steps.same("Reads of Zep", FAILED_PROBES, lambda: len(servers.standin.log(after)))
    _doubled(steps)
    counted = 'memory_zep_downgrades_total{reason="probe_failed"}'
    steps.same("Downgrades counted", float(FAILED_PROBES), lambda: world.sample(counted))
    servers.standin.clear()
    steps.same("Zep is mended; a turn", "write_only_forced", world.source)
    steps.same("A tick when the hold is over", "passed", world.tick, within=SOON)
    steps.same("A turn", "zep", world.source, within=SOON)


def _doubled(steps: Steps) -> None:
    """The holds, as the history has them."""
    first, longest = settings.MEMORY_DOWNGRADE_HOLD_SECONDS, settings.MEMORY_DOWNGRADE_MAX_HOLD_SECONDS
    wanted = [min(first * 2.0**times, longest) for times in range(FAILED_PROBES + 1)]
    steps.expect(
        "Holds in seconds, one after another",
        f"{', '.join(f'{each:g}' for each in wanted)}, each +-10 %",
        lambda: [round(each, 2) for each in _holds()],
        lambda holds: len(holds) == len(wanted) and all(map(_is_about, holds, wanted)),
    )
    steps.same("Shorter than the one before", 0, lambda: sum(b < a * (1 - 2 * JITTER) for a, b in pairwise(_holds())))


def _holds() -> list[float]:
    return list(ModeTransition.objects.exclude(epoch=None).order_by("epoch").values_list("hold_seconds", flat=True))


def _is_about(found: float, wanted: float) -> bool:
    return abs(found - wanted) <= wanted * JITTER + ROUNDING
