"""The peer beside which the mirror is measured: procrastinate, a job for each message, a lock for each thread.

Runs in an environment of its own, with nothing of ours in it. `defer` reads the messages as JSON lines from standard
input; `work` drains the queue with 20 jobs at once and prints the CPU seconds it used. The database and Zep are told
by the environment.
"""

import asyncio
import json
import logging
import os
import sys
import time

import procrastinate  # type: ignore[import-not-found]  # in its own environment only
from zep_python import Message
from zep_python.client import AsyncZep

CONCURRENCY = 20

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], min_size=4, max_size=CONCURRENCY)
)
zep = AsyncZep(base_url=os.environ["ZEP_BASE_URL"], api_key=os.environ["ZEP_API_KEY"])


@app.task(name="add")  # type: ignore[untyped-decorator]  # its types are not here
async def add(thread_id: str, role: str, text: str) -> None:
    """Send one message."""
    await zep.memory.add(thread_id, messages=[Message(role=role, role_type=role, content=text)])


async def defer() -> None:
    """Make a job of each message, in order."""
    messages = [json.loads(line) for line in sys.stdin]
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for message in messages:
            await add.configure(lock=message["thread_id"]).defer_async(**message)


async def work() -> None:
    """Work until no job is left: a worker that does not wait also ends while all that are left wait for a lock."""
    async with app.open_async():
        used = time.process_time()
        while list(await app.job_manager.list_jobs_async(status="todo")):
            await app.run_worker_async(concurrency=CONCURRENCY, wait=False, delete_jobs="successful")
        print(time.process_time() - used)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run({"defer": defer, "work": work}[sys.argv[1]]())
