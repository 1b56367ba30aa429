"""The alerts' tests are tested: a rule that is wrong in one place makes one of them fail."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ops.alerts.mutants import Mutant, Rule, concerned, mutants_of, name_of
from tests.ops.alerts.promtool import notices
from tests.support.exported import rules
from tests.support.promql import selectors

pytestmark = pytest.mark.monitoring
AT_ONCE = 2


@pytest.mark.timeout(600)
def test_without_the_others_a_rule_passes_its_tests(tmp_path: Path) -> None:
    """Else what fails under a mutant would prove nothing: a mutant is shown to these tests alone."""
    names = [name_of(rule) for rule in rules()]
    tried = [(concerned(name, rules()), tmp_path / str(at)) for at, name in enumerate(names)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        noticed = list(pool.map(lambda one: notices(_needed(one[0]), *one), tried))
    assert [name for name, was in zip(names, noticed, strict=True) if was] == []


@pytest.mark.timeout(1800)
def test_every_wrong_rule_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutants = [mutant for rule in rules() for mutant in mutants_of(rule)]

    def is_noticed(numbered: tuple[int, Mutant]) -> bool:
        number, mutant = numbered
        names = concerned(mutant.name, rules())
        wrong = [mutant.rule if name_of(rule) == mutant.name else rule for rule in _needed(names)]
        return notices(wrong, names, tmp_path / str(number))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        noticed = list(pool.map(is_noticed, enumerate(mutants)))
    with capsys.disabled():
        print(f"\nmutation score: {sum(noticed)} of {len(mutants)} wrong rules noticed")  # noqa: T201  # the result
    survivors = [f"{m.name}: {m.what}" for m, was in zip(mutants, noticed, strict=True) if not was]
    assert not survivors, "\n".join(survivors)


def _needed(names: list[str]) -> list[Rule]:
    """These rules and what they are made of; of recorded series all that are tested together, over each window."""
    used = {s.metric for rule in rules() if name_of(rule) in names for s in selectors(rule["expr"])}.union(names)
    families = tuple(f"{name.rpartition(':')[0]}:" for name in used if ":" in name)
    return [rule for rule in rules() if name_of(rule) in used or name_of(rule).startswith(families)]
