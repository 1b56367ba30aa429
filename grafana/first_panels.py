"""The nine panels on top, in the order that people know."""

from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from grafana.parts import BLUE, GREEN, ORANGE, RED, About, AnyPanel, Query, number, rows, series, share

READ_BUDGET_SECONDS = 0.25
MODE_COLOURS = {"read_write": GREEN, "write_only": ORANGE, "off": BLUE}


def first_panels() -> list[AnyPanel]:
    """Mode, downgrades, reads, failures, redactions, cache, writes, holds, rates."""
    return [
        _mode(),
        series(
            About(2, "Downgrade Events (10 min, by reason)", "Reads were forced off.", limits=((1, ORANGE),)),
            Query("max by (reason) (increase(memory_zep_downgrades_total[10m]))", "{{reason}}"),
            stacked_bars=True,
        ),
        _read_health(),
        _failures(),
        series(
            About(5, "PII Redactions (audit trail)", "Spans taken out of messages before they left, in an hour."),
            Query("sum by (field_type) (increase(memory_zep_redactions_total[1h]))", "{{field_type}}"),
            stacked_bars=True,
        ),
        series(
            About(
                6,
                "Cache Hit Rate",
                "Share of contexts that came from the cache; above 60 % once warm.",
                "percentunit",
                ((0.6, GREEN),),
                below=ORANGE,
            ),
            Query(
                "sum(rate(memory_zep_context_cache_hits_total[5m])) / ("
                "sum(rate(memory_zep_context_cache_hits_total[5m])) + sum(rate(memory_zep_read_requests_total[5m])))",
                "hits",
            ),
        ),
        share(
            About(
                7,
                "Write Health success rate",
                "Share of the mirror's HTTP requests that did not fail; above 99 %.",
                "percentunit",
                ((0.95, ORANGE), (0.99, GREEN)),
                below=RED,
            ),
            Query(
                "1 - sum(rate(memory_zep_write_failures_total[5m])) / sum(rate(memory_zep_write_attempts_total[5m]))",
                "success",
            ),
        ).no_value("no writes"),
        series(
            About(
                8,
                "Circuit Breaker Opens",
                "In an hour. zep: a write hold began. broker: publishing was suspended.",
                limits=((1, ORANGE),),
            ),
            Query("sum by (component) (increase(circuit_open_total[1h]))", "{{component}}"),
            stacked_bars=True,
        ),
        series(
            About(9, "Read/Write Request Rate", "Logical operations a second.", "reqps"),
            Query("sum(rate(memory_zep_read_requests_total[5m]))", "read from Zep"),
            Query("sum(rate(memory_zep_context_cache_hits_total[5m]))", "read from the cache"),
            Query("sum by (op) (rate(memory_zep_write_requests_total[5m]))", "write: {{op}}"),
        ),
    ]


def _mode() -> AnyPanel:
    about = About(
        1,
        "Memory Mode",
        "The mode in force. Orange: writes go on, reads stop; `manage.py zep_mode` says why.",
        width=8,
    )
    panel = number(about, Query("max by (mode) (memory_mode_gauge) == 1", "{{mode}}"))
    panel.text_mode(common.BigValueTextMode.NAME).graph_mode(common.BigValueGraphMode.NONE)
    for mode, colour in MODE_COLOURS.items():
        panel.override_by_name(mode, [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})])
    return panel.no_value("nobody exports it")


def _read_health() -> AnyPanel:
    about = About(
        3,
        "Read Health p50/p95",
        "Time of reads that asked Zep. Lines: what the alert is about (80 % of the budget), and the budget, 250 ms.",
        "s",
        ((0.8 * READ_BUDGET_SECONDS, ORANGE), (READ_BUDGET_SECONDS, RED)),
    )
    quantile = "histogram_quantile({}, sum by (le) (rate(memory_zep_read_latency_seconds_bucket[5m])))"
    budget = Query("max(memory_read_budget_seconds)", "budget")
    return series(about, Query(quantile.format("0.5"), "p50"), Query(quantile.format("0.95"), "p95"), budget)


def _failures() -> AnyPanel:
    about = About(
        4,
        "Context Failures by Reason",
        "Reads without a context in the last hour. consecutive_failures: the guard's verdict on them.",
        limits=((1, ORANGE),),
    )
    panel = rows(about, Query("sort_desc(sum by (reason) (increase(memory_zep_context_failures_total[1h])))"))
    hidden = {"excludeByName": {"Time": True}, "renameByName": {"Value": "failures in 1 h"}}
    return panel.decimals(0).with_transformation(DataTransformerConfig(id_val="organize", options=hidden))
