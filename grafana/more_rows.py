"""The rows below: mirror, guard and probe, turns, service levels. A row comes with the feature that exports it."""

from grafana.parts import GREEN, ORANGE, RED, About, AnyPanel, Query, number, rows, series, share

MEBIBYTE = 1024 * 1024


def more_rows() -> dict[str, list[AnyPanel]]:
    """Titles of rows and their panels."""
    return {
        "Mirror": _mirror(),
        "Guard and probe": _guard(),
        "Turns": _turns(),
        "Queues and processes": _queues(),
        "Archives, erasure, drills": _tasks(),
        "Service levels (30 days)": _service_levels(),
    }


def _quantiles(metric: str) -> list[Query]:
    expr = "histogram_quantile({}, sum by (le) (rate({}_bucket[5m])))"
    return [Query(expr.format(q, metric), name) for q, name in (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99"))]


def _mirror() -> list[AnyPanel]:
    return [
        series(
            About(10, "Mirror Backlog", "Messages that still have to reach Zep.", width=6),
            Query("max(memory_mirror_backlog)", "waiting"),
        ),
        series(
            About(11, "Oldest Waiting Message", "Line: the alert's ten minutes.", "s", ((600, RED),), width=6),
            Query("max(memory_mirror_oldest_age_seconds)", "age"),
        ),
        series(
            About(12, "Mirror Lag p50/p95/p99", "From commit to Zep's acknowledgement.", "s", ((60, ORANGE),), width=6),
            *_quantiles("memory_mirror_lag_seconds"),
        ),
        series(
            About(25, "Write Latency p50/p95/p99", "Of the mirror's HTTP requests.", "s", ((0.15, ORANGE),), width=4),
            *_quantiles("memory_zep_write_latency_seconds"),
        ),
        number(
            About(13, "Dead Letters", "Messages that Zep refused for good.", limits=((1, RED),), width=2),
            Query("max(memory_mirror_dead_letters)", "dead letters"),
        ),
    ]


def _guard() -> list[AnyPanel]:
    return [
        series(
            About(14, "Probe Age", "Since the probe task last ran, whatever it found.", "s", ((60, RED),), width=6),
            Query("time() - max(memory_probe_last_run_timestamp_seconds)", "age"),
        ),
        series(
            About(15, "Probe Outcomes", "Runs in 10 minutes.", width=6),
            Query("max by (outcome) (increase(memory_probe_runs_total[10m]))", "{{outcome}}"),
            stacked_bars=True,
        ),
        series(
            About(16, "Holds", "1: it is so, anywhere. The guard's state is known only where all know it.", width=6),
            Query("max(memory_mode_forced)", "reads are forced off"),
            Query("max(memory_write_hold)", "writing is on hold"),
            Query("min(memory_guard_state_available)", "the guard's state is known"),
        ),
        series(
            About(17, "Recoveries", "In an hour; and downgrades that would have been, were the guard to act.", width=6),
            Query("max by (by) (increase(memory_zep_recoveries_total[1h]))", "reads back by {{by}}"),
            Query("max by (reason) (increase(memory_zep_shadow_downgrades_total[1h]))", "would have been: {{reason}}"),
            stacked_bars=True,
        ),
    ]


def _turns() -> list[AnyPanel]:
    failed = 'sum(rate(assistant_requests_total{status=~"500|503"}[5m]))'
    return [
        series(
            About(18, "Request Rate by Status", "Chat requests a second.", "reqps", width=6),
            Query("sum by (status) (rate(assistant_requests_total[5m])) > 0", "{{status}}"),
            stacked_bars=True,
        ),
        share(
            About(
                19,
                "Success Rate",
                "Share of chat requests not answered with 500 or 503.",
                "percentunit",
                ((0.95, ORANGE), (0.99, GREEN)),
                below=RED,
                width=6,
            ),
            Query(f"1 - {failed} / sum(rate(assistant_requests_total[5m]))", "success"),
        ).no_value("no requests"),
        series(
            About(20, "Turn Latency p50/p95/p99", "Of chat requests.", "s", ((2, ORANGE), (30, RED)), width=6),
            *_quantiles("assistant_request_duration_seconds"),
        ),
        series(
            About(21, "Requests in Progress", "Now; and refusals by the rate limit in 10 minutes.", width=6),
            Query("sum(assistant_requests_in_progress)", "in progress"),
            Query("sum(increase(assistant_rate_limit_hits_total[10m]))", "refused by the rate limit"),
        ),
    ]


def _queues() -> list[AnyPanel]:
    growth = "In half an hour, by the hour. Line: 50 MiB."
    return [
        series(
            About(26, "Queue Depth", "Tasks that no worker has taken yet.", limits=((100, ORANGE),)),
            Query("max by (queue) (assistant_queue_depth)", "{{queue}}"),
        ),
        series(
            About(27, "Memory Growth", growth, "bytes", ((50 * MEBIBYTE, ORANGE),)),
            Query("deriv(assistant_memory_usage_bytes[30m]) * 3600", "{{job}} {{instance}}"),
        ),
        series(
            About(28, "Memory", "Resident; of the web's processes together.", "bytes"),
            Query("assistant_memory_usage_bytes", "{{job}} {{instance}}"),
        ),
    ]


def _tasks() -> list[AnyPanel]:
    return [
        series(
            About(29, "Archive", "Messages archived, and what was not archived or restored, in an hour.", width=6),
            Query("sum(increase(assistant_session_archived_messages_total[1h]))", "messages"),
            Query("sum by (reason) (increase(assistant_archive_failures_total[1h]))", "failed: {{reason}}"),
            stacked_bars=True,
        ),
        series(
            About(30, "Erasure", "Age of the oldest request to be forgotten.", "s", ((3600, ORANGE),), width=6),
            Query("max(memory_erasure_oldest_pending_seconds)", "age"),
        ),
        series(
            About(31, "Failed Drills", "1: its last run did not pass.", limits=((1, RED),), width=6),
            Query("max by (drill) (memory_drill_failed)", "{{drill}}"),
            stacked_bars=True,
        ),
        rows(
            About(32, "Drills Last Passed", "Long ago: never.", "dateTimeFromNow", width=6),
            Query("sort(max by (drill) (memory_drill_last_success_timestamp_seconds)) * 1000"),
        ),
    ]


def _service_levels() -> list[AnyPanel]:
    """Bad events' share. Lines: what burns the month's budget six times, and 14.4 times, too fast."""
    levels = (
        (22, "Late in the Mirror", "Acknowledged after 60 s; budget 0.5 %.", 0.005, "cluster:memory_mirror_late"),
        (23, "Read Tax", "Turns above read budget + 25 ms; budget 0.1 %.", 0.001, "cluster:memory_turns_over_budget"),
        (24, "Without Context", "Turns; budget 5 %, in read_write.", 0.05, "cluster:memory_turns_without_context"),
    )
    return [
        series(
            About(number_, title, about, "percentunit", ((6 * budget, ORANGE), (14.4 * budget, RED))),
            Query(f"{recorded}:ratio_rate5m", "5 min"),
            Query(f"{recorded}:ratio_rate1h", "1 h"),
            Query(f"{recorded}:ratio_rate6h", "6 h"),
        )
        for number_, title, about, budget, recorded in levels
    ]
