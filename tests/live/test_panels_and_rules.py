"""A real Prometheus against the running system: every query has data, and shows what those know who made it happen.

Everything happens within five minutes, so that a rate over five minutes is a count by 300.
"""

import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from grafana.build_dashboard import rendered
from ops.waiting import PATIENCE_SECONDS
from tests.acceptance.system import System
from tests.live.expected import expected
from tests.live.ledger import Crowd
from tests.live.prometheus import Prometheus, Sample, running
from tests.support.exported import NOT_YET_EXPORTED, RULES, Exported, recorded_names, rules
from tests.support.promql import parts_with_data

pytestmark = [pytest.mark.monitoring, pytest.mark.timeout(1_500)]
DASHBOARD: dict[str, Any] = json.loads(rendered())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SETTINGS = {
    "MEMORY_DOWNGRADE_HOLD_SECONDS": "2",
    "MEMORY_PROBE_INTERVAL_SECONDS": "1",
    "CHAT_RATE_PER_MINUTE": "80",
    "PII_REDACT_ADDRESS": "true",
    "ZEP_READ_BUDGET_MS": "2000",  # of an idle machine 250 would be enough
}


@dataclass(frozen=True)
class Watched:
    """What a Prometheus saw of a crowd, from `began` until `ended`."""

    prometheus: Prometheus
    crowd: Crowd
    began: float
    ended: float

    def ask(self, expression: str) -> list[Sample]:
        """As it is in the end; of metrics of features that are still to come, nothing."""
        return self.prometheus.query(expression, self.ended)


@pytest.fixture(scope="module")
def watched(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    system.configure(**SETTINGS)
    system.start("web", "worker", "control", "beat", "flower")
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus") / "all", system, RULES.read_text())
    with running(prometheus.process):
        began = time.time()
        prometheus.wait_until_scraped(began)
        crowd = Crowd(system)
        crowd.talk()
        crowd.fail_reads()
        crowd.trip(3, 503)
        crowd.trip(1, 401)
        crowd.steer()
        crowd.fail_writes()
        crowd.lose_a_message()
        crowd.knock_wrongly()
        crowd.wait_until_settled()
        prometheus.wait_until_scraped(time.time())
        yield Watched(prometheus, crowd, began, time.time())


def legend_of(target: dict[str, Any], sample: Sample) -> str:
    template = target.get("legendFormat") or "{{reason}}"
    return re.sub(r"\{\{(\w+)\}\}", lambda match: sample.labels.get(match[1], ""), template)


def shown(watched: Watched) -> dict[tuple[int, str], float]:
    """What all panels show, by panel and legend."""
    return {
        (panel["id"], legend_of(target, sample)): sample.value
        for panel in PANELS
        for target in panel["targets"]
        for sample in watched.ask(target["expr"])
    }


def bounds(watched: Watched, metric: str) -> list[float]:
    found = [float(sample.labels["le"]) for sample in watched.ask(f"group by (le) ({metric}_bucket)")]
    return sorted(bound for bound in found if math.isfinite(bound))


def test_every_panel_shows_what_the_load_generator_knows(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    assert watched.ended - watched.began < 290, "too slow: rates over five minutes have forgotten the beginning"
    values, known = shown(watched), expected(watched.crowd, lambda metric: bounds(watched, metric))
    titles = {panel["id"]: panel["title"] for panel in PANELS}

    with capsys.disabled():
        print(f"\n{'panel':<60} {'Prometheus':>12}  ledger")  # noqa: T201  # the result
        for (panel, legend), value in values.items():
            told = known[panel, legend].known if (panel, legend) in known else "-"
            print(f"{f'{panel} {titles[panel]}: {legend}':<60.60} {value:>12.4f}  {told}")  # noqa: T201

    missing = {key: each.known for key, each in known.items() if key not in values}
    wrong = {key: (value, known[key]) for key, value in values.items() if key in known and not known[key].allows(value)}
    assert (missing, wrong) == ({}, {})


def test_the_load_generator_made_everything_happen(watched: Watched) -> None:
    """Else a panel that always says 0 would be right."""
    crowd, ledger = watched.crowd, watched.crowd.ledger

    assert set(ledger.statuses) == {"200", "401", "404", "409", "413", "422", "429"}
    assert set(ledger.failures) >= {"auth", "timeout", "http_5xx", "connection", "bad_response"}
    assert set(ledger.redactions) == {"email", "phone", "address"}
    assert set(crowd.downgrades()) >= {"auth", "consecutive_failures", "manual"}
    assert set(crowd.recoveries()) == {"probe", "operator"}
    assert min(ledger.hits, crowd.reads_at_zep(), crowd.failed_attempts(), crowd.dead()) > 0
    assert crowd.told_of("zep_write_hold_began") > 0


def test_every_query_of_every_panel_returns_data(watched: Watched) -> None:
    empty = [
        (panel["title"], target["expr"])
        for panel in PANELS
        for target in panel["targets"]
        if not has_data(watched, target["expr"])
    ]

    assert empty == []


def test_every_mark_of_a_mode_change_is_on_the_dashboard(watched: Watched) -> None:
    """But for the settings' change, which did not happen: its series are there."""
    marks = {each["name"]: each["expr"] for each in DASHBOARD["annotations"]["list"]}
    made = {name: watched.prometheus.has_series(expr, watched.began, watched.ended) for name, expr in marks.items()}

    assert made == {"Reads forced off": True, "Reads back on": True, "Configured mode changed": False}
    assert all(has_data(watched, part) for expr in marks.values() for part in parts_with_data(expr))


def test_every_rule_has_data(watched: Watched) -> None:
    parts = [(rule.get("alert") or rule["record"], part) for rule in rules() for part in parts_with_data(rule["expr"])]

    assert [(name, part) for name, part in parts if not has_data(watched, part)] == []


def test_what_is_recorded_is_what_its_expression_says(watched: Watched) -> None:
    recorded = {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}

    values = {name: (told(watched, name), told(watched, expr)) for name, expr in recorded.items()}

    assert {name: pair for name, pair in values.items() if not is_close(*pair)} == {}
    assert set(values) == recorded_names()


def is_close(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and math.isclose(one, other, rel_tol=0.05, abs_tol=1e-9)


def told(watched: Watched, expression: str) -> float | None:
    return watched.prometheus.number(expression, watched.ended)


def has_data(watched: Watched, expression: str) -> bool:
    """Whether there is a number; where only features to come would tell, that counts."""
    if any(name in expression for name in NOT_YET_EXPORTED):
        return True
    return any(not math.isnan(sample.value) for sample in watched.ask(expression))


@pytest.fixture(scope="module")
def exported(watched: Watched) -> Exported:
    """What all processes expose now."""
    system = watched.crowd.system
    flower = f"http://127.0.0.1:{system.environment['FLOWER_PORT']}/metrics"
    urls = (f"{system.web_url}/api/metrics/", system.worker.metrics_url, system.control.metrics_url, flower)
    texts = [httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status().text for url in urls]
    return Exported(family for text in texts for family in text_string_to_metric_families(text))


def test_no_query_names_what_the_running_system_does_not_export(exported: Exported) -> None:
    panels = [target["expr"] for panel in PANELS for target in panel["targets"]]
    marks = [each["expr"] for each in DASHBOARD["annotations"]["list"]]

    found = {expr: exported.complaints(expr) for expr in (*panels, *marks, *(rule["expr"] for rule in rules()))}

    assert {expr: complaints for expr, complaints in found.items() if complaints} == {}


def test_what_is_listed_as_still_to_come_is_not_exported(exported: Exported) -> None:
    assert {name for name in NOT_YET_EXPORTED if name in exported.series} == set()


def test_every_target_is_scraped_in_time(watched: Watched, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = watched.ask("max_over_time(scrape_duration_seconds[5m])")
    mean = {s.labels["job"]: s.value for s in watched.ask("avg_over_time(scrape_duration_seconds[5m])")}
    series = {s.labels["job"]: s.value for s in watched.ask("scrape_samples_scraped")}

    with capsys.disabled():
        for each in seconds:
            job = each.labels["job"]
            cost = f"mean {1000 * mean[job]:.1f} ms, longest {1000 * each.value:.1f} ms"
            print(f"\nscrape of {job}: {cost}, {series[job]:.0f} series", end="")  # noqa: T201  # the result

    assert {each.labels["job"] for each in seconds} == {"web", "worker", "control", "flower"}
    in_time = {s.labels["job"]: s.value for s in watched.ask("avg_over_time(up[5m])")}
    assert min(in_time.values()) > 0.8, in_time  # it is scraped each second: the machine may stand still now and then
