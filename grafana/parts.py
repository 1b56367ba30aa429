"""How panels look: queries, thresholds and the four kinds of panels used here. Knows no metric.

Windows of rates are fixed, so that a query means the same in Grafana, in a test and at Prometheus's own prompt.
"""

from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import gauge, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"
HEIGHT = 8

AnyPanel = stat.Panel | timeseries.Panel | gauge.Panel | table.Panel
P = TypeVar("P", stat.Panel, timeseries.Panel, gauge.Panel, table.Panel)


@dataclass(frozen=True)
class Query:
    """PromQL and the name of what it returns, in which `{{label}}` stands for a label's value."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class About:
    """What every panel has. `id`: what alerts link to. `limits`: from which value on which colour; -inf is green first.

    `width`: of 24 columns.
    """

    id: int
    title: str
    description: str
    unit: str = "short"
    limits: tuple[tuple[float, str], ...] = ()
    below: str = GREEN
    width: int = 8


def series(about: About, *queries: Query, stacked_bars: bool = False) -> timeseries.Panel:
    """Values over time, with a dashed line at each limit."""
    panel = _dressed(timeseries.Panel(), about, queries)
    panel.legend(common_builders.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM))
    if about.limits:
        mode = common.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common_builders.GraphThresholdsStyleConfig().mode(mode))
    if stacked_bars:
        panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60)
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    return panel.min(0)


def number(about: About, query: Query) -> stat.Panel:
    """The last value, large."""
    panel = _dressed(stat.Panel(), about, (query,))
    return panel.reduce_options(_last()).color_mode(common.BigValueColorMode.BACKGROUND)


def share(about: About, query: Query) -> gauge.Panel:
    """The last value between 0 and 1 on a dial."""
    return _dressed(gauge.Panel(), about, (query,)).reduce_options(_last()).min(0).max(1)


def rows(about: About, query: Query) -> table.Panel:
    """One row for each series, as it is now."""
    panel = _dressed(table.Panel(), about, ())
    return panel.with_target(_target(query, "A").instant().format(PromQueryFormat.TABLE))


def steps(about: About) -> builders.ThresholdsConfig:
    """Colours from a value on."""
    limits = [Threshold(value=None, color=about.below), *(Threshold(value, color) for value, color in about.limits)]
    return builders.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(limits)


def _dressed(panel: P, about: About, queries: tuple[Query, ...]) -> P:
    panel.id(about.id).title(about.title).description(about.description).datasource(DATASOURCE)
    panel.unit(about.unit).thresholds(steps(about)).height(HEIGHT).span(about.width)
    for at, query in enumerate(queries):
        panel.with_target(_target(query, chr(ord("A") + at)))
    return panel


def _target(query: Query, ref_id: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(ref_id).datasource(DATASOURCE).range()
    return target.legend_format(query.legend) if query.legend else target


def _last() -> common_builders.ReduceDataOptions:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"])
