"""Start-up of the workers' part: signal receivers are connected."""

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "workers"

    def ready(self) -> None:
        from workers import lifecycle  # noqa: PLC0415  # imports models, which are loaded by now

        lifecycle.connect()
