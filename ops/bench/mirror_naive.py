"""The naive way beside which the mirror is measured: a Celery task per message that calls zep-python at once.

A Celery application of its own with the product's Celery settings; the message's text is the task's argument, so that
the task has nothing to do but the call. No order, no record of what was sent.
"""

import os
from functools import cache

from celery import Celery
from celery.signals import setup_logging
from zep_python import Message
from zep_python.client import Zep

app = Celery("naive")
app.config_from_object("django.conf:settings", namespace="CELERY")


@cache
def zep() -> Zep:
    """The process's client, shared by its threads."""
    return Zep(base_url=os.environ["ZEP_BASE_URL"], api_key=os.environ["ZEP_API_KEY"])


@app.task(name="naive.add", acks_late=True, ignore_result=True)
def add(thread_id: str, role: str, text: str) -> None:
    """Send one message."""
    zep().memory.add(thread_id, messages=[Message(role=role, role_type=role, content=text)])


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Being connected is what tells Celery to leave logging alone: no line for each task."""
