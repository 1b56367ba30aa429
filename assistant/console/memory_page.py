"""The Memory page: what every member of staff may see of the memory's state; who may steer it gets the buttons."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assistant.console import figures, pictures
from assistant.console.figures import Cluster, Figures
from assistant.console.steering_pages import STEER, STEPS
from assistant.memory.modes import MemoryMode

LATE_AFTER_TICKS = 4
MODE_SAYS = {
    MemoryMode.OFF: "Memory is switched off: nothing is read, nothing is mirrored.",
    MemoryMode.WRITE_ONLY: "Messages are mirrored; nobody reads.",
    MemoryMode.READ_WRITE: "Messages are mirrored, and turns read what is remembered.",
}


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """The whole page; its middle is fetched again every few seconds."""
    context = admin.site.each_context(request) | {"title": "Memory"} | _shown(request)
    return TemplateResponse(request, "admin/assistant/memory.html", context)


@require_safe
@never_cache
def now(request: HttpRequest) -> HttpResponse:
    """The middle alone."""
    return TemplateResponse(request, "admin/assistant/memory_now.html", _shown(request))


def _shown(request: HttpRequest) -> dict[str, Any]:
    known = figures.gather()
    cluster, stored = known.cluster, known.stored
    forced = cluster.guard.forced if cluster else None
    return {
        "known": known,
        "mode_says": MODE_SAYS[known.mode],
        "why": _why(known),
        "forced": forced,
        "next_probe": _seconds(forced.until - cluster.now) if cluster and forced and forced.until else None,
        "paused": _seconds(cluster.guard.paused_until - cluster.now)
        if cluster and cluster.guard.paused_until
        else None,
        "hold_next": _seconds(cluster.hold.until - cluster.now) if cluster and cluster.hold.is_on else None,
        "heartbeats": _heartbeats(cluster),
        "threshold": settings.MEMORY_DOWNGRADE_THRESHOLD,
        "read_percent": settings.MEMORY_READ_PERCENT,
        "bars": pictures.bars(stored.ages) if stored else None,
        "backlog": sum(group.count for group in stored.ages) if stored else None,
        "day": _day(known),
        "steps": STEPS if request.user.has_perm(STEER) else (),
    }


def _why(known: Figures) -> str:
    """One sentence for whoever has just come."""
    if known.base is not MemoryMode.READ_WRITE:
        return f"The settings ask for {known.base.value}."
    if known.cluster is None:
        return "Redis does not answer, so nobody reads. Turns go on; holds and pauses are not known."
    if not known.cluster.guard.initialised:
        return "The guard's state is not there yet; the control worker makes it within a tick. Nobody reads until then."
    if (forced := known.cluster.guard.forced) is not None:
        return f"The settings ask for read_write; the guard has forced write_only. Reason: {forced.reason}."
    return "The settings ask for read_write, and the guard is open."


def _heartbeats(cluster: Cluster | None) -> list[dict[str, Any]]:
    """Beat, control, and the probe's last run: who is late is said in words, not in colour alone."""
    late_after = LATE_AFTER_TICKS * settings.MEMORY_PROBE_INTERVAL_SECONDS
    ages: dict[str, float | None] = {"beat": None, "control": None, "probe": None}
    if cluster is not None:
        ages |= {str(name): age for name, age in cluster.heard.items()}
        ages["probe"] = None if cluster.probed is None else cluster.now - cluster.probed
    return [
        {"name": name, "age": _seconds(age), "is_late": age is None or age > late_after} for name, age in ages.items()
    ]


def _day(known: Figures) -> pictures.DayPicture | None:
    if known.cluster is None or known.stored is None:
        return None
    cluster = known.cluster
    return pictures.day(cluster.slots, known.stored.transitions, known.base, cluster.now, settings.ZEP_READ_BUDGET_MS)


def _seconds(value: float | None) -> int | None:
    return None if value is None else max(0, round(value))
