"""Builds dashboards/memory_service_monitoring.json, the same bytes each time: `make dashboards`."""

from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardCursorSync

from grafana.first_panels import first_panels
from grafana.more_rows import more_rows
from grafana.parts import DATASOURCE

TARGET = Path(__file__).parent / "dashboards" / "memory_service_monitoring.json"
UID = "memory-service-monitoring"
FIRST_ROW_ID = 101
MODE_CHANGES = (
    ("Reads forced off", "red", "max by (reason) (increase(memory_zep_downgrades_total[1m])) > 0"),
    ("Reads back on", "green", "max by (by) (increase(memory_zep_recoveries_total[1m])) > 0"),
    ("Configured mode changed", "blue", "max by (mode) (changes(memory_mode_configured[1m])) > 0"),
)


def dashboard() -> Dashboard:
    """The dashboard as Grafana's own types have it."""
    made = builders.Dashboard("Memory service").uid(UID).tags(["easy-islanders", "memory"])
    made.description("Mode and health of the assistant's memory. Built by `make dashboards`: changes here are lost.")
    made.time("now-3h", "now").refresh("10s").timezone("browser").tooltip(DashboardCursorSync.CROSSHAIR).readonly()
    made.with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    for name, colour, expr in MODE_CHANGES:
        made.annotation(
            builders.AnnotationQuery().name(name).datasource(DATASOURCE).enable(True).icon_color(colour).expr(expr)
        )
    for panel in first_panels():
        made.with_panel(panel)
    for at, (title, panels) in enumerate(more_rows().items()):
        made.with_row(builders.Row(title).id(FIRST_ROW_ID + at))
        for panel in panels:
            made.with_panel(panel)
    return made.build()


def rendered() -> str:
    """The dashboard as the text of its file."""
    return JSONEncoder(sort_keys=True, indent=2).encode(dashboard()) + "\n"


if __name__ == "__main__":
    TARGET.write_text(rendered())
