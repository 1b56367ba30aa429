"""Each alert says who should care and where to look, has its three cases, and names only what is exported."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from grafana.build_dashboard import dashboard
from ops.redis_process import RedisProcess
from tests.ops.alerts.promtool import ALERTS, TEST_FILES, cases, run, subject_of
from tests.support.exported import NOT_YET_EXPORTED, PROMETHEUS, ROOT, RULES, Exported, rules

ALERT_RULES = [rule for rule in rules() if "alert" in rule]
NAMES = [rule["alert"] for rule in ALERT_RULES]
RUNBOOK = (ROOT / "ops/runbooks/alerts.md").read_text()
HEADINGS = {line[3:].strip().lower().replace(" ", "-") for line in RUNBOOK.splitlines() if line.startswith("## ")}
SITE = "https://ops.easy-islanders.example"
NEVER_SILENT = {"Watchdog"}  # its silence is the alarm
KINDS = ("firing", "silent", "boundary")
each_alert = pytest.mark.parametrize("rule", ALERT_RULES, ids=NAMES)
each_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])


@pytest.fixture
def exported(redis_server: RedisProcess, db: None) -> Exported:
    return Exported.by_this_process()


@pytest.mark.monitoring
def test_the_rules_are_valid() -> None:
    ended = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.monitoring
def test_prometheus_reads_its_configuration() -> None:
    ended = run("promtool", "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.monitoring
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_as_told(path: object) -> None:
    ended = run("promtool", "test", "rules", path)
    assert ended.returncode == 0, ended.stdout


@pytest.mark.monitoring
def test_alertmanager_reads_its_configuration() -> None:
    ended = run("amtool", "check-config", ALERTS / "alertmanager.yml")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.monitoring
@each_alert
def test_an_alert_reaches_those_whom_it_concerns(rule: dict[str, Any]) -> None:
    labels = f"alertname={rule['alert']}", f"severity={rule['labels']['severity']}"
    ended = run("amtool", "config", "routes", "test", "--config.file", ALERTS / "alertmanager.yml", *labels)
    receivers = {"critical": "pagerduty", "warning": "slack-warning", "info": "slack-info", "none": "watchdog"}
    assert ended.stdout.split("\n")[-2:][0] == receivers[rule["labels"]["severity"]]


def test_secrets_of_alertmanager_are_in_files() -> None:
    text = (ALERTS / "alertmanager.yml").read_text()
    secret = r"^\s*(?:- )?(?:slack_api_url|api_url|routing_key|service_key|credentials|password):"
    assert re.findall(secret, text, re.MULTILINE) == []


def test_inhibitions_name_alerts_that_exist() -> None:
    inhibitions = yaml.safe_load((ALERTS / "alertmanager.yml").read_text())["inhibit_rules"]
    text = " ".join(matcher for rule in inhibitions for matcher in rule["source_matchers"] + rule["target_matchers"])
    named = {name for value in re.findall(r'alertname =~? "([^"]+)"', text) for name in value.split("|")}
    assert named
    assert named <= set(NAMES)


def test_every_alert_has_a_name_of_its_own() -> None:
    assert len(NAMES) == len(set(NAMES))


@each_alert
def test_an_alert_says_how_bad_what_and_why(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info", "none")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert all(text.strip() for text in rule["annotations"].values())


@each_alert
def test_an_alert_leads_to_its_heading_of_the_runbook(rule: dict[str, Any]) -> None:
    address, _, heading = rule["annotations"]["runbook_url"].partition("#")
    assert address == f"{SITE}/runbooks/alerts"
    assert heading == rule["alert"].lower()
    assert heading in HEADINGS


def test_every_heading_of_the_runbook_is_of_an_alert() -> None:
    assert {name.lower() for name in NAMES} == HEADINGS


@each_alert
def test_a_heading_says_what_to_do(rule: dict[str, Any]) -> None:
    section = RUNBOOK.split(f"## {rule['alert']}\n")[1].split("\n## ")[0].lower()
    assert [part for part in ("symptom", "it means", "check", "act", "verify", "escalate") if part not in section] == []


@each_alert
def test_an_alert_leads_to_a_panel_that_exists(rule: dict[str, Any]) -> None:
    address = urlsplit(rule["annotations"]["dashboard_url"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{SITE}/grafana/d/{dashboard().uid}"
    panels = {str(panel.id_val) for panel in dashboard().panels or [] if panel.type_val != "row"}
    assert parse_qs(address.query)["viewPanel"][0] in panels


@pytest.mark.parametrize("command", sorted(set(re.findall(r"manage\.py (\w+)[^`\n]*", RUNBOOK))))
def test_the_runbook_names_commands_that_exist(command: str) -> None:
    assert get_commands().get(command) == "assistant"


@pytest.mark.parametrize("line", sorted(set(re.findall(r"manage\.py (\w+ [^`\n]*)`", RUNBOOK))))
def test_the_runbook_gives_commands_options_that_they_take(line: str) -> None:
    command, *rest = line.split()
    known = load_command_class("assistant", command).create_parser("manage.py", command)._option_string_actions
    assert [option for option in rest if option.startswith("--") and option not in known] == []


@each_alert
def test_an_alert_has_a_firing_a_silent_and_a_boundary_case(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    own = [case for path in TEST_FILES for case in cases(path) if subject_of(case) == name]
    kinds = {kind: [case for case in own if case["name"].startswith(f"{name}/{kind}: ")] for kind in KINDS}
    assert len(own) == sum(map(len, kinds.values()))
    assert kinds["firing"]
    assert all(_alerts_expected(case) for case in kinds["firing"])
    assert bool(kinds["silent"]) is (name not in NEVER_SILENT)
    assert not any(_alerts_expected(case) for case in kinds["silent"])
    assert kinds["boundary"]
    assert any(_alerts_expected(case) for case in kinds["boundary"])


def test_every_case_looks_at_the_alert_that_it_is_named_for() -> None:
    every = [case for path in TEST_FILES for case in cases(path) if "alert_rule_test" in case]
    looked_at = {(subject_of(case), check["alertname"]) for case in every for check in case["alert_rule_test"]}
    assert looked_at == {(name, name) for name in NAMES}


@each_rule
def test_a_rule_names_only_what_is_exported(rule: dict[str, Any], exported: Exported) -> None:
    assert exported.complaints(rule["expr"]) == []


def test_what_is_listed_as_still_to_come_is_not_exported(exported: Exported) -> None:
    assert {name for name in NOT_YET_EXPORTED if name in exported.series} == set()


def _alerts_expected(case: dict[str, Any]) -> int:
    return sum(len(check["exp_alerts"]) for check in case["alert_rule_test"])
