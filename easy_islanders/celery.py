"""The Celery application, as the settings configure it."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "easy_islanders.settings")

app = Celery("easy_islanders")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["assistant"])
app.autodiscover_tasks(["workers"], related_name="sweep")


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Being connected is what tells Celery to leave logging alone."""
