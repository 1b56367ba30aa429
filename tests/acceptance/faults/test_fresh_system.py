"""A system that has just started, and one whose Redis or Zep is gone: what it says about itself."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from ops.waiting import wait_until
from tests.acceptance.system import Json, System

FIRST_TURNS = 6
OPERATIONS = ("ensure_user", "ensure_thread", "add_messages", "read_back", "delete")
FAILURES = ("auth", "timeout", "http_5xx", "connection", "bad_response", "rate_limited", "other")
STATUSES = ("200", "400", "401", "404", "409", "413", "422", "429", "503")
COUNTERS = {
    "memory_zep_read_requests_total",
    "memory_zep_read_latency_seconds_count",
    "memory_zep_context_cache_hits_total",
    "memory_mirror_lag_seconds_count",
    "assistant_rate_limit_hits_total",
    "assistant_request_duration_seconds_count",
    "assistant_conversation_history_size_count",
    'circuit_open_total{component="zep"}',
    'circuit_open_total{component="broker"}',
    *(f'memory_zep_context_failures_total{{reason="{reason}"}}' for reason in FAILURES),
    *(f'memory_zep_redactions_total{{field_type="{kind}"}}' for kind in ("email", "phone", "address")),
    *(f'assistant_requests_total{{status="{status}"}}' for status in STATUSES),
    *(f'memory_zep_write_requests_total{{op="{op}"}}' for op in OPERATIONS),
    *(f'memory_zep_write_attempts_total{{op="{op}"}}' for op in OPERATIONS),
    *(f'memory_zep_write_latency_seconds_count{{op="{op}"}}' for op in OPERATIONS),
    *(f'memory_zep_write_failures_total{{op="{op}",reason="{why}"}}' for op in OPERATIONS for why in FAILURES),
}
GAUGES_AT_START = {
    "memory_mirror_backlog": 0,
    "memory_mirror_oldest_age_seconds": 0,
    "assistant_requests_in_progress": 0,
    'memory_mode_gauge{mode="read_write"}': 1,
    'memory_mode_gauge{mode="write_only"}': 0,
    'memory_mode_gauge{mode="off"}': 0,
    'memory_mode_configured{mode="read_write"}': 1,
}


def test_every_counter_exists_at_zero_in_every_process_from_the_start(system: System) -> None:
    system.start("web", "worker", "control")

    for samples in (system.web_metrics(), system.metrics_of(system.worker), system.metrics_of(system.control)):
        assert {name: samples.get(name) for name in COUNTERS} == dict.fromkeys(COUNTERS, 0)
        assert {name: samples.get(name) for name in GAUGES_AT_START} == GAUGES_AT_START


def test_the_first_turns_of_fresh_web_workers_all_reach_the_broker(system: System) -> None:
    """A process's first publication costs more than all later ones: left to a turn, it outlasts the nudge's budget."""
    system.web.environment["WEB_CONCURRENCY"] = "2"
    system.start("web")

    with ThreadPoolExecutor(FIRST_TURNS) as pool:
        turns = [pool.submit(system.ayse.say, "Hello") for _ in range(FIRST_TURNS)]
        assert all(turn.result()["ok"] for turn in turns)

    wait_until(lambda: system.queued("mirror") == FIRST_TURNS, "every turn's nudge")
    assert system.web_metrics()['circuit_open_total{component="broker"}'] == 0


def ready(system: System) -> Json:
    """The body of `/readyz`, which must be answered with 200, as must `/healthz`."""
    assert httpx.get(f"{system.web_url}/healthz", trust_env=False).status_code == 200
    response = httpx.get(f"{system.web_url}/readyz", trust_env=False)
    assert response.status_code == 200
    body: Json = response.json()
    return body


def test_a_system_without_redis_and_zep_is_ready_and_says_what_is_degraded(system: System) -> None:
    system.start("web")
    well = {"database": "ok", "redis": "ok", "broker": "ok", "zep": "ok", "guard": "ok"}
    wait_until(lambda: ready(system) == {"status": "ok", "checks": well}, "everything to be well")

    system.broker.kill()
    system.standin.stop()

    degraded = dict.fromkeys(("redis", "broker", "zep", "guard"), "degraded")
    assert ready(system) == {"status": "ok", "checks": well | degraded}
    system.broker.restart()
    system.standin.start()
    wait_until(lambda: ready(system)["checks"] == well, "everything to be well again")
