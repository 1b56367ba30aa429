"""What a worker tells others of a task that failed: which kind of error it was. Its text may quote what somebody wrote.

Databases quote whole rows ("Failing row contains (…)"), and events go through the broker to Flower, which shows them.
Where it happened is in the worker's own log.
"""

import re
from typing import Any

from celery import Task
from celery.worker.request import Request

KIND = re.compile(r"[\w.]*")


class DiscreetRequest(Request):
    """A request whose events name the class of an error, without its text and its traceback."""

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002  # Celery's name
        """Send an event of this task; Celery passes errors as `repr(error)` and a formatted traceback."""
        if "exception" in fields:
            kind = KIND.match(str(fields["exception"]))
            fields |= {"exception": kind.group() if kind else "", "traceback": ""}
        super().send_event(type, **fields)


class DiscreetTask(Task[Any, Any]):
    """The base of every task of the application."""

    abstract = True
    Request = "workers.discretion:DiscreetRequest"
