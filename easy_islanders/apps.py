"""Start-up of the project: its system checks are registered."""

from django.apps import AppConfig
from django.core.checks import register

from easy_islanders import checks


class EasyIslandersConfig(AppConfig):
    name = "easy_islanders"

    def ready(self) -> None:
        for check in checks.ALL:
            register(check)
