"""The alerts' tests are tested: a rule that is wrong in one place makes one of them fail."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ops.alerts.mutants import Mutant, concerned, mutants_of, name_of
from tests.ops.alerts.promtool import notices
from tests.support.exported import rules
from tests.support.promql import selectors

pytestmark = pytest.mark.monitoring
AT_ONCE = 2


def _rules_for(alerts: list[str], mutant: Mutant | None = None) -> list[dict[str, object]]:
    """The alerts and what is recorded for them, with the mutant in its place."""
    used = {s.metric for rule in rules() if name_of(rule) in alerts for s in selectors(rule["expr"])}
    kept = [rule for rule in rules() if name_of(rule) in used.union(alerts)]
    return [mutant.rule if mutant and name_of(rule) == mutant.name else rule for rule in kept]


@pytest.mark.timeout(300)
def test_alone_with_what_it_is_made_of_an_alert_passes_its_tests(tmp_path: Path) -> None:
    alerts = [rule["alert"] for rule in rules() if "alert" in rule]
    assert [alert for alert in alerts if notices(_rules_for([alert]), [alert], tmp_path / alert)] == []


@pytest.mark.timeout(1800)
def test_every_wrong_rule_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutants = [mutant for rule in rules() for mutant in mutants_of(rule)]

    def is_noticed(numbered: tuple[int, Mutant]) -> bool:
        number, mutant = numbered
        alerts = concerned(mutant.name, rules())
        return notices(_rules_for(alerts, mutant), alerts, tmp_path / str(number))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        noticed = list(pool.map(is_noticed, enumerate(mutants)))
    with capsys.disabled():
        print(f"\nmutation score: {sum(noticed)} of {len(mutants)} wrong rules noticed")  # noqa: T201  # the result
    survivors = [f"{m.name}: {m.what}" for m, was in zip(mutants, noticed, strict=True) if not was]
    assert not survivors, "\n".join(survivors)
