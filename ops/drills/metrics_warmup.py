"""Every series exists at 0 before the first turn, so that no alert misses a first increase; then they count."""

from itertools import product

import httpx

from ops.drills.isolation import Servers
from ops.drills.steps import SOON, Steps
from ops.drills.world import Samples, World, named, parsed
from workers import lifecycle

OPS = ("ensure_user", "ensure_thread", "add_messages", "read_back", "delete")
FAILURES = ("auth", "timeout", "http_5xx", "connection", "bad_response", "rate_limited", "other")
# As dashboards and alerts ask for them: written down here, not taken from the code that makes them.
LABELLED: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {
    ("memory_zep_downgrades_total", "reason"): (("auth", "consecutive_failures", "probe_failed", "latency", "manual"),),
    ("memory_zep_recoveries_total", "by"): (("probe", "operator"),),
    ("memory_zep_context_failures_total", "reason"): ((*FAILURES, "consecutive_failures"),),
    ("memory_zep_redactions_total", "field_type"): (("email", "phone", "address"),),
    ("memory_zep_write_attempts_total", "op"): (OPS,),
    ("memory_zep_write_requests_total", "op"): (OPS,),
    ("memory_zep_write_failures_total", "op", "reason"): (OPS, FAILURES),
    ("memory_zep_write_latency_seconds_count", "op"): (OPS,),
    ("memory_probe_runs_total", "outcome"): (("not_forced", "not_due", "locked", "passed", "failed"),),
    ("circuit_open_total", "component"): (("zep", "broker"),),
}
PLAIN = (
    "assistant_request_duration_seconds_count",
    "assistant_requests_in_progress",
    "memory_mirror_backlog",
    "memory_mirror_dead_letters",
    "memory_mirror_lag_seconds_count",
    "memory_mirror_oldest_age_seconds",
    "memory_mode_forced",
    "memory_write_hold",
    "memory_zep_context_cache_hits_total",
    "memory_zep_read_latency_seconds_count",
    "memory_zep_read_requests_total",
)


def run(servers: Servers, steps: Steps) -> None:
    world = World(servers, steps)
    lifecycle.open_metrics_port()
    expected = expected_series()
    found = _scraped(servers)
    steps.same("Series that are missing", [], lambda: [name for name in expected if name not in found])
    steps.same("Series that do not begin at 0", [], lambda: [name for name in expected if found[name] != 0])
    modes = ("off", "write_only", "read_write")
    one_hot = {mode: found[f'memory_mode_gauge{{mode="{mode}"}}'] for mode in modes}
    steps.same("memory_mode_gauge", {"off": 0.0, "write_only": 0.0, "read_write": 1.0}, lambda: one_hot)
    steps.same("memory_guard_state_available", 1.0, lambda: found["memory_guard_state_available"])
    with world.worker():
        world.say()
        counted = {"assistant_requests_total": 1.0, "memory_zep_read_requests_total": 1.0, "mirrored": 2.0}
        steps.same("One turn later", counted, lambda: _counted(_scraped(servers)), within=SOON)


def expected_series() -> list[str]:
    """Every series by name and labels."""
    labelled = [
        named(metric, dict(zip(labels, each, strict=True)))
        for (metric, *labels), values in LABELLED.items()
        for each in product(*values)
    ]
    return [*PLAIN, *labelled]


def _counted(samples: Samples) -> dict[str, float]:
    return {
        "assistant_requests_total": samples['assistant_requests_total{status="200"}'],
        "memory_zep_read_requests_total": samples["memory_zep_read_requests_total"],
        "mirrored": samples["memory_mirror_lag_seconds_count"],
    }


def _scraped(servers: Servers) -> Samples:
    """As Prometheus gets them, from the worker's own port."""
    answer = httpx.get(f"http://127.0.0.1:{servers.metrics_port}/metrics", timeout=SOON, trust_env=False)
    return parsed(answer.raise_for_status().text)
