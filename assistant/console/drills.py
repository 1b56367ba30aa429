"""Runs of the drills: what was looked at, what was expected, what was found."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from assistant.console.lists import Choice, ReadOnlyAdmin
from assistant.drills.catalogue import DRILLS
from assistant.models import DrillRun


class Drill(Choice):
    title, parameter_name, FIELD = "drill", "drill", "drill"
    VALUES = tuple((drill, drill) for drill in DRILLS)


@admin.register(DrillRun)
class DrillRunAdmin(ReadOnlyAdmin):
    list_display = ("drill", "outcome", "started_at", "finished_at", "by", "host")
    list_filter = (Drill,)
    ordering = ("-id",)
    exclude = ("steps",)
    readonly_fields = ("what_happened",)

    @admin.display(description="steps")
    def what_happened(self, row: DrillRun) -> SafeString:
        rows: list[dict[str, Any]] = list(row.steps)
        cells = (
            ("ok" if step["ok"] else "FAILED", step["name"], step["expected"], step["actual"], round(step["ms"]))
            for step in rows
        )
        body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} ms</td></tr>", cells)
        return format_html(
            "<table><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr>{}</table>", *HEAD, body
        )


HEAD = ("", "step", "expected", "actual", "took")
