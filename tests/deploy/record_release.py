"""Writes down what the release of this checkout leaves in queues and tables, for the tests of the next one.

Run when a release is tagged: `make record-release`. Needs a PostgreSQL server installed. The files it writes are what
`test_side_by_side.py` reads: messages of every task as they are in Redis, rows as that release inserts them.
"""

import inspect
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
import redis
from django.core.management import call_command

from ops.free_port import free_port
from ops.postgres_process import PostgresProcess
from ops.redis_process import RedisProcess

RELEASED = Path(__file__).parent / "fixtures" / "released"
OUR_TASKS = ("assistant.", "workers.")
MESSAGE_ID, QUESTION = "4be2d3f6-5f6a-4d8c-9a55-0f5f9b3f6a01", "f0e1d2c3"
ARGUMENTS = {
    "assistant.tasks.mirror_message": [MESSAGE_ID],
    "workers.alerts.tell_webhook": ["1"],
    "workers.guard.probe_now": [QUESTION],
}
INSERTING = """
from datetime import timedelta
from uuid import UUID
from django.utils import timezone
from assistant.models import *
user = User.objects.create_user("released")
ApiToken.objects.create(user=user, digest="0" * 64)
thread = Thread.objects.create(id="released-thread", user=user, last_sequence=2, mirror_due_at=timezone.now())
said = {"thread": thread, "user": user}
Message.objects.create(**said, sequence=1, client_msg_id=UUID("MESSAGE_ID"), role="user", text="Hello")
Message.objects.create(
    **said, sequence=2, client_msg_id=reply_id(thread.pk, UUID("MESSAGE_ID")), role="assistant", text="Hello!",
    agent="general", rich={"listings": []}, memory_trace={"used": False}, mirror_state="dead", mirror_error="http_400",
    outgoing_parts=["Hello!"], redactions={"email": 0},
)
AuditEntry.objects.create(actor="released", action="zep_mode", details={"reason": "test"})
ModeTransition.objects.create(
    epoch=1, before="open", after="forced", reason="auth", by="guard", until=timezone.now() + timedelta(seconds=300),
)
Listing.objects.create(
    reference="R-1", title="Flat", place="girne", kind="flat", tenure="rent", bedrooms=2, price_gbp=500, area_m2=80,
    furnished=True, description="Bright",
)
""".replace("MESSAGE_ID", MESSAGE_ID)
TABLES = ("user", "apitoken", "thread", "message", "auditentry", "modetransition", "listing")


def main() -> int:
    """Record in a system of its own."""
    with PostgresProcess() as postgres, tempfile.TemporaryDirectory() as folder:
        server = RedisProcess(Path(folder) / "redis", free_port()).start()
        try:
            begin(folder, postgres.create("released"), server.url)
            RELEASED.mkdir(parents=True, exist_ok=True)
            write("tasks.json", published(server.url))
            write("rows.json", inserted())
        finally:
            close()
            server.stop()
    return 0


def begin(folder: str, database_url: str, redis_url: str) -> None:
    told = {"LOCAL_DIR": folder, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "recording"}
    os.environ |= told | {"DJANGO_SETTINGS_MODULE": "easy_islanders.settings"}
    django.setup()
    call_command("migrate", verbosity=0)


def close() -> None:
    from django.db import connection  # noqa: PLC0415  # after begin

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one


def published(redis_url: str) -> dict[str, Any]:
    """Of each task its parameters, its queue, and a message as the broker holds it."""
    from easy_islanders.celery import app  # noqa: PLC0415  # after begin

    app.loader.import_default_modules()
    client: redis.Redis = redis.Redis.from_url(redis_url, decode_responses=True)
    found = {}
    for name in sorted(task for task in app.tasks if task.startswith(OUR_TASKS)):
        task = app.tasks[name]
        task.apply_async(tuple(ARGUMENTS.get(name, [])), headers={"correlation_id": "recorded"}, countdown=0)
        queue = app.amqp.router.route({}, name)["queue"].name
        message = json.loads(str(client.rpop(queue)))
        message["headers"]["origin"] = "recorded"
        found[name] = {"parameters": list(inspect.signature(task.run).parameters), "queue": queue, "message": message}
    client.close()
    return found


def inserted() -> dict[str, Any]:
    """Rows by their tables, with every column that this release knows."""
    from django.db import connection  # noqa: PLC0415  # after begin

    exec(INSERTING, {})  # noqa: S102  # the text above; the models exist only after begin
    with connection.cursor() as cursor:
        rows = {}
        for table in TABLES:
            cursor.execute(f"SELECT row_to_json(t) FROM assistant_{table} t ORDER BY 1::text")  # noqa: S608
            rows[f"assistant_{table}"] = [row for (row,) in cursor.fetchall()]
    return rows


def write(name: str, content: object) -> None:
    (RELEASED / name).write_text(f"{json.dumps(content, indent=1, sort_keys=True)}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
