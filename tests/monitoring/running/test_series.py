"""What each process exports from its start on: the contract's series, few of them, no dead worker's gauges."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import httpx
import pytest

from ops.waiting import wait_until
from tests.acceptance.system import Samples, System, metrics_at, new_id, sample_name
from tests.support.timing import is_ever_within

MODES = ("off", "write_only", "read_write")
DOWNGRADES = ("auth", "consecutive_failures", "probe_failed", "latency", "manual")
READ_FAILURES = ("auth", "timeout", "http_5xx", "connection", "bad_response", "rate_limited", "other")
OPERATIONS = ("ensure_user", "ensure_thread", "add_messages", "read_back", "delete")
# The contract's names with each label's values; of histograms, their count.
AT_ZERO: dict[str, dict[str, tuple[str, ...]]] = {
    "memory_mode_forced": {},
    "memory_zep_downgrades_total": {"reason": DOWNGRADES},
    "memory_zep_recoveries_total": {"by": ("probe", "operator")},
    "memory_zep_shadow_downgrades_total": {"reason": ("auth", "consecutive_failures", "latency")},
    "memory_zep_context_failures_total": {"reason": (*READ_FAILURES, "consecutive_failures")},
    "memory_zep_redactions_total": {"field_type": ("email", "phone", "address")},
    "memory_zep_read_requests_total": {},
    "memory_zep_read_latency_seconds_count": {},
    "memory_zep_context_cache_hits_total": {},
    "memory_zep_write_attempts_total": {"op": OPERATIONS},
    "memory_zep_write_requests_total": {"op": OPERATIONS},
    "memory_zep_write_failures_total": {"op": OPERATIONS, "reason": READ_FAILURES},
    "memory_zep_write_latency_seconds_count": {"op": OPERATIONS},
    "circuit_open_total": {"component": ("zep", "broker")},
    "memory_mirror_backlog": {},
    "memory_mirror_oldest_age_seconds": {},
    "memory_mirror_lag_seconds_count": {},
    "memory_mirror_dead_letters": {},
    "memory_probe_runs_total": {"outcome": ("not_forced", "not_due", "locked", "passed", "failed")},
    "assistant_requests_total": {"status": ("200", "400", "401", "404", "409", "413", "422", "429", "500", "503")},
    "assistant_request_duration_seconds_count": {},
    "assistant_requests_in_progress": {},
    "assistant_queue_depth": {"queue": ("mirror", "archive", "default", "control")},
    "assistant_rate_limit_hits_total": {},
    "assistant_conversation_history_size_count": {},
}
OTHERWISE: dict[str, dict[str, tuple[str, ...]]] = {
    "memory_mode_gauge": {"mode": MODES},
    "memory_mode_configured": {"mode": MODES},
    "memory_guard_state_available": {},
    "assistant_memory_usage_bytes": {},
}
# They come with features that are not here yet: the day one appears, it moves up. Archives and drills bring theirs, and
# memory_probe_last_run_timestamp_seconds is there once a probe ran.
NOT_YET = (
    "assistant_queue_rejections_total",
    "assistant_circuit_breaker_state",
    "assistant_circuit_breaker_trips_total",
    "assistant_provider_requests_total",
    "assistant_provider_latency_seconds",
    "assistant_provider_errors_total",
    "assistant_retry_attempts_total",
    "assistant_retry_duration_seconds",
)
MOST_SERIES = 500
ROLES = ("web", "worker", "control")


def names_of(table: dict[str, dict[str, tuple[str, ...]]]) -> set[str]:
    """Every series as `name{label="value",…}`, labels in alphabetical order."""
    return {
        sample_name(name, dict(zip(labels, values, strict=True)))
        for name, labels in table.items()
        for values in product(*labels.values())
    }


def url_of(system: System, role: str) -> str:
    return {
        "web": f"{system.web_url}/api/metrics/",
        "worker": system.worker.metrics_url,
        "control": system.control.metrics_url,
    }[role]


@pytest.fixture(scope="module")
def fresh(system: System) -> dict[str, Samples]:
    """What each process exports before anything has happened."""
    system.start(*ROLES)
    return {role: metrics_at(url_of(system, role)) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_each_series_of_the_contract_is_there_from_the_start(fresh: dict[str, Samples], role: str) -> None:
    samples = fresh[role]

    # The control worker's first tick is part of its start.
    assert {name: samples.get(name) for name in names_of(AT_ZERO) if "probe_runs" not in name} == {
        name: 0 for name in names_of(AT_ZERO) if "probe_runs" not in name
    }
    assert names_of(AT_ZERO) | names_of(OTHERWISE) <= set(samples)


@pytest.mark.parametrize("role", ROLES)
def test_what_is_listed_as_not_yet_there_is_not(fresh: dict[str, Samples], role: str) -> None:
    assert [name for name in fresh[role] if name.startswith(NOT_YET)] == []


@pytest.mark.parametrize("role", ROLES)
def test_a_process_has_few_series(fresh: dict[str, Samples], role: str) -> None:
    assert 100 < len(fresh[role]) < MOST_SERIES


def test_memory_is_the_process_s_own_and_on_the_web_that_of_all_its_workers(
    system: System, fresh: dict[str, Samples]
) -> None:
    assert fresh["worker"]["assistant_memory_usage_bytes"] == pytest.approx(rss(pid_of(system.worker.process)), rel=0.3)
    pids = [pid_of(system.web), *web_workers(system)]
    assert len(pids) >= 3
    expected = sum(map(rss, pids))
    assert metrics_at(url_of(system, "web"))["assistant_memory_usage_bytes"] == pytest.approx(expected, rel=0.3)


def test_a_killed_web_worker_leaves_its_counts_and_takes_its_live_gauges_along(system: System) -> None:
    system.web.kill()
    system.web.environment["ZEP_READ_BUDGET_MS"] = "20000"
    system.start("web")
    system.ayse.say("hello")
    system.standin.fault("hang", route="read", caller="web")
    before = system.web_metrics()
    with ThreadPoolExecutor() as pool:
        turn = pool.submit(system.ayse.post, "I need a 2 bedroom", thread_id=new_id())
        wait_until(lambda: in_progress(system) == 1, "the turn to be in progress")

        for pid in web_workers(system):
            os.kill(pid, signal.SIGKILL)
        assert isinstance(turn.exception(), httpx.TransportError)
    system.standin.clear()
    system.web.wait_until_up()

    assert wait_until(lambda: in_progress(system) == 0, "the dead worker's gauge to vanish")
    after = system.web_metrics()
    assert after['assistant_requests_total{status="200"}'] == before['assistant_requests_total{status="200"}'] == 1
    assert after["assistant_memory_usage_bytes"] < 2 * before["assistant_memory_usage_bytes"]


def test_any_process_says_what_waits_in_each_queue(system: System, fresh: dict[str, Samples]) -> None:
    system.worker.kill()
    waiting = system.queued("mirror")
    for _ in range(2):
        system.ayse.say("hello")

    for role in ("web", "control"):
        assert metrics_at(url_of(system, role))['assistant_queue_depth{queue="mirror"}'] == waiting + 2


def test_without_its_broker_a_process_leaves_the_depths_out_and_is_scraped_in_time(system: System) -> None:
    system.broker.server.freeze()
    try:
        samples = metrics_at(url_of(system, "control"))
        assert is_ever_within(3, lambda: metrics_at(url_of(system, "control")))
    finally:
        system.broker.server.thaw()
    assert [name for name in samples if name.startswith("assistant_queue_depth")] == []
    assert samples["memory_guard_state_available"] == 0
    assert samples["memory_mirror_backlog"] >= 0


def in_progress(system: System) -> float:
    try:
        return system.web_metrics()["assistant_requests_in_progress"]
    except httpx.HTTPError:  # its workers are being started again
        return -1


def pid_of(child: object) -> int:
    pid = getattr(child, "pid", None)
    assert isinstance(pid, int)
    return pid


def web_workers(system: System) -> list[int]:
    """The processes that the web's first one has started and that serve, not Python's resource tracker."""
    parent = pid_of(system.web)
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
