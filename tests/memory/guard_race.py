"""Many processes at once, each with a guard's shell of its own: run as a script, it prints what each of them saw.

The parent sets Django up and touches neither Redis nor an event loop, so that a fork is as good as a new process. The
children wait for one another, do the same thing at the same moment, and log to standard output as products do.
"""

import json
import os
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402  # it needs Django to be set up
from django.db import connections  # noqa: E402  # see above

from assistant import loops, redis_link  # noqa: E402  # see above
from assistant.memory import guard, recovery  # noqa: E402  # see above
from assistant.memory.guard import Kind  # noqa: E402  # see above
from assistant.memory.service import fetch_thread_context  # noqa: E402  # see above

NOWHERE = "redis://127.0.0.1:1/0"
# So many processes share two cores: what is tried here is who wins, not how soon.
settings.REDIS_BUDGET_MS = settings.ZEP_READ_BUDGET_MS = settings.MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS = 30_000
redis_link.EXCHANGE_SECONDS = 30.0


def fail() -> object:
    """Report a failed read, three times."""
    state = loops.run(guard.read_state())
    return [loops.run(guard.report(Kind.FAILURE, state.epoch)) for _ in range(3)]


def tick() -> object:
    """Do what the control worker does."""
    return recovery.tick()


def read() -> object:
    """Read a thread's context; every other process is cut off from Redis."""
    return fetch_thread_context("t1", timeout_ms=30_000)[1]


WORK = {"fail": fail, "tick": tick, "read": read}


def main(name: str, processes: int) -> None:
    start, go = os.pipe()
    results, result = os.pipe()
    for number in range(processes):
        if os.fork() == 0:
            os.close(go)
            if name == "read" and number % 2:
                settings.REDIS_URL = settings.CACHE_REDIS_URL = NOWHERE
            os.read(start, 1)  # it ends when the parent lets go
            os.write(result, (json.dumps({"cut_off": bool(number % 2), "saw": WORK[name]()}) + "\n").encode())
            connections.close_all()
            sys.stdout.flush()
            os._exit(0)
    os.close(go)
    os.close(result)
    if any(os.wait()[1] for _ in range(processes)):
        sys.exit("a process failed")
    with open(results, encoding="utf-8") as lines:
        sys.stdout.write("SEEN " + json.dumps([json.loads(line) for line in lines]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
