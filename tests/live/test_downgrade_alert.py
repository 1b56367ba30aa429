"""Real outages, from Zep's fault to the telephone: the rules' clock and the guard's holds run sixty times as fast."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from ops.waiting import wait_until
from tests.acceptance.system import System, new_id
from tests.live.prometheus import Alertmanager, Prometheus, Telephone, running
from tests.live.scaled_rules import scaled_rules, seconds
from tests.support.exported import rules

pytestmark = [pytest.mark.monitoring, pytest.mark.timeout(1_500)]
FACTOR = 60
SETTINGS = {
    "MEMORY_DOWNGRADE_HOLD_SECONDS": str(300 // FACTOR),
    "MEMORY_DOWNGRADE_MAX_HOLD_SECONDS": "8",  # an hour's sixtieth, but the test has to see its end
    "MEMORY_PROBE_INTERVAL_SECONDS": "1",
    "ZEP_READ_BUDGET_MS": "1000",
}
DOWNGRADE, STUCK, RESTORED = "MemoryAutoDowngrade", "MemoryStuckInDowngrade", "MemoryModeRestored"
OUTAGES: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "refused key": ("status", {"status": 401}, 1, "auth"),
    "server errors": ("status", {"status": 500}, 3, "consecutive_failures"),
    "hanging reads": ("hang", {}, 3, "consecutive_failures"),
}


@dataclass(frozen=True)
class Watch:
    """A system, who watches it, and who is told."""

    system: System
    prometheus: Prometheus
    telephone: Telephone

    def state_of(self, alert: str) -> str:
        states = {each["state"] for each in self.prometheus.alerts() if each["labels"]["alertname"] == alert}
        return "firing" if "firing" in states else "pending" if "pending" in states else "inactive"

    def active_since(self, alert: str) -> float:
        """When Prometheus itself saw its condition first; pytest may have stood still then."""
        (at,) = {each["activeAt"] for each in self.prometheus.alerts() if each["labels"]["alertname"] == alert}
        return datetime.fromisoformat(at).timestamp()


@pytest.fixture(scope="module")
def watch(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    system.configure(**SETTINGS)
    system.start("web", "worker", "control", "beat", "flower")
    folder = tmp_path_factory.mktemp("monitoring")
    with Telephone() as telephone:
        alertmanager = Alertmanager(folder / "alertmanager", telephone)
        prometheus = Prometheus(folder / "prometheus", system, scaled_rules(FACTOR), alertmanager.address)
        with running(alertmanager.process), running(prometheus.process):
            prometheus.wait_until_scraped(time.time())
            yield Watch(system, prometheus, telephone)


class Timeline:
    """What happened when, since it began."""

    def __init__(self) -> None:
        self.began = time.time()
        self.lines: list[tuple[float, str]] = []

    def note(self, what: str, at: float | None = None) -> None:
        self.lines.append(((time.time() if at is None else at) - self.began, what))

    def __str__(self) -> str:
        return "\n".join(f"{at:7.2f} s  {what}" for at, what in sorted(self.lines))


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_told_while_it_lasts_and_its_end_too(
    watch: Watch, outage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, more, reads, reason = OUTAGES[outage]
    wait_until(lambda: {watch.state_of(a) for a in (DOWNGRADE, STUCK, RESTORED)} == {"inactive"}, "peace")
    watch.telephone.calls.clear()
    timeline = Timeline()

    def reached(alert: str, state: str) -> float:
        """Wait until the alert is in that state; when it was seen."""
        wait_until(lambda: watch.state_of(alert) == state, f"{alert} to be {state}")
        timeline.note(f"{alert}: {state}")
        return time.time()

    def told(receiver: str, alert: str, status: str, reason: str = "") -> None:
        what = f"{receiver} is told: {alert} {status} {reason}".strip()
        calls = wait_until(lambda: watch.telephone.told(receiver, alert, status, reason), what)
        timeline.note(what, calls[0].at)

    watch.system.standin.fault(kind, route="read", **more)
    timeline.note(f"Zep: {outage}")
    for _ in range(reads):
        watch.system.ayse.say("hello", thread_id=new_id())
    wait_until(lambda: mode(watch.system) == "write_only", "reads to be forced off")
    timeline.note(f"reads are forced off ({reason})")

    reached(DOWNGRADE, "firing")
    reached(STUCK, "pending")
    told("slack-warning", DOWNGRADE, "firing", reason)
    firing = reached(STUCK, "firing")
    told("pagerduty", STUCK, "firing")
    assert firing - watch.active_since(STUCK) > seconds(rule(STUCK)["for"]) / FACTOR - 2

    watch.system.standin.clear()
    timeline.note("Zep is well again")
    reached(STUCK, "inactive")
    reached(RESTORED, "firing")
    told("slack-info", RESTORED, "firing")
    told("pagerduty", STUCK, "resolved")
    reached(DOWNGRADE, "inactive")
    told("slack-warning", DOWNGRADE, "resolved", reason)
    reached(RESTORED, "inactive")
    assert watch.system.ayse.say("hello")["trace"]["memory"]["used"]
    with capsys.disabled():
        print(f"\n{outage}\n{timeline}")  # noqa: T201  # the result


def mode(system: System) -> str:
    samples = system.web_metrics()
    return next(m for m in ("off", "write_only", "read_write") if samples[f'memory_mode_gauge{{mode="{m}"}}'])


def rule(alert: str) -> dict[str, Any]:
    return next(each for each in rules() if each.get("alert") == alert)
