"""The dashboard that is committed is the one that is built, and each of its queries names what is exported."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.build_dashboard import TARGET, rendered
from ops.redis_process import RedisProcess
from tests.ops.alerts.promtool import run
from tests.support.exported import ROOT, Exported

FIRST_NINE = [
    "Memory Mode",
    "Downgrade Events (10 min, by reason)",
    "Read Health p50/p95",
    "Context Failures by Reason",
    "PII Redactions (audit trail)",
    "Cache Hit Rate",
    "Write Health success rate",
    "Circuit Breaker Opens",
    "Read/Write Request Rate",
]
COLUMNS = 24
DASHBOARD: dict[str, Any] = json.loads(rendered())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
each_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])


def _queries() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


each_query = pytest.mark.parametrize(("name", "expr"), list(_queries()), ids=lambda value: str(value)[:60])


@pytest.fixture
def exported(redis_server: RedisProcess, db: None) -> Exported:
    return Exported.by_this_process()


def test_the_file_is_what_make_dashboards_writes() -> None:
    assert TARGET.read_text() == rendered()


def test_it_is_built_the_same_twice() -> None:
    assert rendered() == rendered()


def test_the_nine_panels_come_first_and_in_order() -> None:
    assert [panel["title"] for panel in DASHBOARD["panels"][:9]] == FIRST_NINE


def test_panels_have_ids_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_panels_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < COLUMNS


@each_query
def test_a_query_names_only_what_is_exported(name: str, expr: str, exported: Exported) -> None:
    assert exported.complaints(expr) == [], name


@pytest.mark.monitoring
def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"query_{at}", "expr": expr} for at, (_, expr) in enumerate(_queries())]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    ended = run("promtool", "check", "rules", tmp_path / "rules.yml")
    assert ended.returncode == 0, ended.stdout


@each_panel
def test_a_panel_asks_the_data_source_that_was_chosen(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in asked)


@each_panel
def test_a_panel_has_a_unit_thresholds_and_a_description(panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["thresholds"]["steps"]
    assert panel["description"]


def test_the_data_source_is_a_variable() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["type"], variable["name"], variable["query"]) == ("datasource", "datasource", "prometheus")


def test_mode_changes_are_marked() -> None:
    marked = [annotation["expr"] for annotation in DASHBOARD["annotations"]["list"] if annotation["enable"]]
    assert any("memory_zep_downgrades_total" in expr for expr in marked)
    assert any("memory_zep_recoveries_total" in expr for expr in marked)


def test_grafana_is_told_of_a_data_source_of_the_dashboards_kind() -> None:
    folder = ROOT / "grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards/memory_service.yml").read_text())["providers"]
    assert source["type"] == "prometheus"
    assert provider["type"] == "file"
