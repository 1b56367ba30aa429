"""What the product exports, and what an expression names beyond that."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml
from prometheus_client import REGISTRY, Metric

from assistant import loops
from assistant.memory import guard
from assistant.monitoring.exposition import COLLECTORS
from tests.support.promql import Selector, grouping_labels, selectors

ROOT = Path(__file__).parents[2]
RULES, PROMETHEUS = ROOT / "ops/alerts/rules.yml", ROOT / "ops/prometheus/prometheus.yml"

# What rules and dashboard may name before a feature exports it; a test fails once it is exported and still listed.
NOT_YET_EXPORTED: frozenset[str] = frozenset()

Labels = dict[str, str]


class Exported:
    """Every series by the name of its metric, as the labels that the product gives it."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.series: dict[str, list[Labels]] = {}
        for family in families:
            for sample in family.samples:
                self.series.setdefault(sample.name, []).append(sample.labels)

    @classmethod
    def by_this_process(cls) -> Self:
        """What its registry and collectors give, after a probe ran: only then there is a time at which it did."""
        loops.run(guard.begin_probe(reads_are_on=True))
        collected = (family for collector in COLLECTORS for family in collector().collect())
        return cls((*REGISTRY.collect(), *collected))

    def has(self, metric: str, labels: Labels) -> bool:
        return labels in self.series.get(metric, [])

    def complaints(self, expression: str) -> list[str]:
        """What the expression names and nobody exports: metrics, labels, values of labels."""
        named = selectors(expression)
        found = [complaint for selector in named for complaint in self._complaints_about(selector)]
        if any(selector.metric in NOT_YET_EXPORTED for selector in named):
            return found
        known = {"le", "job"} | {name for selector in named for labels in self._of(selector.metric) for name in labels}
        return found + [f"groups by {label}" for label in sorted(grouping_labels(expression) - known)]

    def _complaints_about(self, selector: Selector) -> Iterable[str]:
        metric, own = selector.metric, [m for m in selector.matchers if m.label != "job"]
        if metric in NOT_YET_EXPORTED:
            return
        if not self._of(metric):
            yield metric
            return
        for matcher in own:
            values = {labels.get(matcher.label) for labels in self._of(metric)}
            yield from (f'{metric}{{{matcher.label}="{v}"}}' for v in matcher.values if v not in values)
        if not any(all(matcher.takes(labels) for matcher in own) for labels in self._of(metric)):
            yield f"{metric}: no series has all of {own}"
        for matcher in selector.matchers:
            if matcher.label == "job" and not set(matcher.values) <= scraped_jobs():
                yield f"{metric}: no such job: {matcher.value}"

    def _of(self, metric: str) -> list[Labels]:
        recorded: list[Labels] = [{}] if metric in recorded_names() else []
        return self.series.get(metric, []) + recorded


@cache
def rules() -> list[dict[str, Any]]:
    """All recording and alert rules."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@cache
def recorded_names() -> frozenset[str]:
    return frozenset(rule["record"] for rule in rules() if "record" in rule)


@cache
def scraped_jobs() -> frozenset[str]:
    return frozenset(job["job_name"] for job in yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"])
