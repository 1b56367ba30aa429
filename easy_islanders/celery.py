"""The Celery application, as the settings configure it."""

import os
import sys

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init
from django.core.management import call_command
from django.core.management.base import SystemCheckError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "easy_islanders.settings")

app = Celery("easy_islanders")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["assistant"])
for module in ("sweep", "guard", "alerts", "archive", "drills", "housekeeping"):
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
