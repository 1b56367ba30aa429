"""The Celery application, as the settings configure it."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "easy_islanders.settings")

PREFIX = "CELERY_"


def _configuration() -> dict[str, Any]:
    """Celery's part of the settings alone: workers tell their configuration to whoever asks, and Flower shows it."""
    names = (name for name in dir(settings) if name.startswith(PREFIX))
    return {name.removeprefix(PREFIX).lower(): getattr(settings, name) for name in names}


app = Celery("easy_islanders", task_cls="workers.discretion:DiscreetTask")
app.add_defaults(_configuration)  # asked when first needed: the settings are not loaded yet
app.autodiscover_tasks(["assistant"])
for module in ("sweep", "guard", "alerts", "housekeeping", "drills", "personal_data", "archive"):
    app.autodiscover_tasks(["workers"], related_name=module)


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Being connected is what tells Celery to leave logging alone."""


@worker_init.connect
@beat_init.connect
def refuse_contradictory_settings(**_: object) -> None:
    """Run Django's checks, as the web does. Celery swallows exceptions of its signals, but not this one."""
    try:
        call_command("check")
    except SystemCheckError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from None
