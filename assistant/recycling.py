"""A net under memory leaks, not a cure: a process that holds too much asks itself to end, and is started anew.

Knows the kernel's figure and a signal.

Celery's own limit (`worker_max_memory_per_child`) is for pools of processes: with threads it does nothing. SIGTERM is
what the supervisor sends too: Celery ends after the tasks in hand, uvicorn after the requests. uvicorn's parent
replaces a web process that ended; whoever runs the Procfile replaces a worker.
"""

import os
import random
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from django.conf import settings

from assistant.events import ProcessOutgrown, announce

MEGABYTE = 1_000_000
SPREAD = 0.1  # of the limit: processes that grow together do not all end together


def watch() -> None:
    """Look after this process from a thread of its own, where there is a limit."""
    limit = settings.PROCESS_MAX_MEMORY_MB * MEGABYTE
    if limit:
        threshold = limit * random.uniform(1 - SPREAD, 1)  # noqa: S311  # no secret
        threading.Thread(target=_watch, args=(threshold,), name="memory-watch", daemon=True).start()


def resident_bytes() -> int:
    """What this process holds now; where the system cannot say, the most it ever held."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * resource.getpagesize()
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _watch(threshold: float) -> None:
    while True:  # it looks only after a while: one that is too large from the start serves at least so long
        time.sleep(settings.PROCESS_MEMORY_CHECK_SECONDS)
        if resident_bytes() > threshold:
            break
    announce(ProcessOutgrown(settings.PROCESS_ROLE, resident_bytes(), round(threshold)))
    os.kill(os.getpid(), signal.SIGTERM)
