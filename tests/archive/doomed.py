"""A process that works on archives and kills itself at a named point: `python -m tests.archive.doomed`.

The product knows nothing of it: the points are calls that are wrapped here.
"""

import math
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

import django
from django.utils import timezone

POINTS: dict[str, tuple[str, str]] = {
    # Where: the call, and whether the process dies before or after it.
    "before the row": ("assistant.archive.archiving._Run._announced", "before"),
    "row made": ("assistant.archive.archiving._Run._announced", "after"),
    "half a file": ("assistant.archive.storage.os.fsync", "before"),
    "file not named": ("assistant.archive.storage.os.replace", "before"),
    "file there": ("assistant.archive.storage.os.replace", "after"),
    "mark named": ("assistant.archive.marks.StorageMark.objects.get", "after"),
    "read back": ("assistant.archive.storage.read", "after"),
    "verified": ("assistant.archive.archiving._verify", "after"),
    "rows emptied": ("assistant.archive.archiving._archived_through", "before"),
    "committed": ("assistant.archive.archiving._Run._commit", "after"),
    "released": ("assistant.archive.threads.release", "after"),
    "rows filled": ("assistant.archive.restoring._count", "before"),
    "restored": ("assistant.archive.restoring._commit", "after"),
    "file removed": ("assistant.archive.storage.remove", "after"),
    "new row made": ("assistant.archive.resealing._announced", "after"),
    "new file verified": ("assistant.archive.resealing._verify", "after"),
    "files swapped": ("assistant.archive.resealing.AuditEntry.objects.create", "after"),
    "swap committed": ("assistant.archive.resealing._commit", "after"),
    "expired": ("assistant.archive.left_over.remove", "before"),
}


def main(work: str, point: str) -> None:
    django.setup()
    from assistant.archive import marks, resealing, restoring, retention, running  # noqa: PLC0415  # the settings are read by now
    from assistant.models import Archive  # noqa: PLC0415

    jobs: dict[str, Callable[[], object]] = {
        "mark": marks.secure,
        "archive": lambda: running.run(math.inf),
        "restore": lambda: restoring.restore(Archive.objects.get().pk, "doomed"),
        "reseal": lambda: list(resealing.reseal_all("doomed")),
        "expire": lambda: list(retention.expire(timezone.now() + timedelta(days=9), "doomed", days=1)),
    }
    if not point:
        jobs[work]()
        return
    name, when = POINTS[point]
    with patch(name, dying(resolve_name(name), when)):
        jobs[work]()


def dying(call: Callable[..., Any], when: str) -> Callable[..., None]:
    def die(*arguments: Any, **named: Any) -> None:
        if when == "after":
            call(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return die


if __name__ == "__main__":
    main(sys.argv[1], "".join(sys.argv[2:]))
