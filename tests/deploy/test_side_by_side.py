"""During a deployment two releases share queues and tables: each reads what the other writes.

The other release is what `record_release.py` wrote down of it: messages as they were in Redis, rows as inserted.
"""

import base64
import inspect
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from easy_islanders.celery import app
from ops.postgres_process import PostgresProcess
from tests.acceptance.system import System, assert_arrived_once_in_order, new_id
from tests.deploy.record_release import INSERTING, MESSAGE_ID, RELEASED, TABLES
from tests.support import postgres
from tests.support.processes import ROOT

TASKS: dict[str, Any] = json.loads((RELEASED / "tasks.json").read_text(encoding="utf-8"))
ROWS: dict[str, list[dict[str, Any]]] = json.loads((RELEASED / "rows.json").read_text(encoding="utf-8"))
Envelope = dict[str, Any]
app.loader.import_default_modules()
each_released_task = pytest.mark.parametrize("name", TASKS)
READING = """
from datetime import timedelta
from assistant.memory import outbox
from assistant.models import *
print(*outbox.waiting_threads(timedelta(0), 10))
print(*Message.objects.select_related("thread", "user").order_by("sequence").values_list("text", flat=True))
for model in (User, ApiToken, Thread, AuditEntry, ModeTransition, Listing):
    print(len(list(model.objects.all())))
"""
each_table = pytest.mark.parametrize("table", [f"assistant_{table}" for table in TABLES])


def envelope(name: str, **changes: str) -> Envelope:
    """A released message with an id of its own, and ids of its arguments replaced."""
    message = json.dumps(TASKS[name]["message"]).replace(TASKS[name]["message"]["headers"]["id"], str(uuid.uuid4()))
    made: Envelope = json.loads(message)
    body = base64.b64decode(made["body"]).decode()
    for old, new in changes.items():
        body = body.replace(old, new)
    made["body"] = base64.b64encode(body.encode()).decode()
    made["properties"]["delivery_tag"] = str(uuid.uuid4())
    return made


# Messages


@each_released_task
def test_a_task_that_the_old_release_publishes_is_known_and_takes_what_it_gives(name: str) -> None:
    arguments, named, _ = json.loads(base64.b64decode(TASKS[name]["message"]["body"]))

    inspect.signature(app.tasks[name].run).bind(*arguments, **named)


@each_released_task
def test_a_task_that_the_old_release_runs_is_given_nothing_that_it_does_not_take(name: str) -> None:
    """Another parameter is another task: a worker of the old release would fail on it."""
    assert list(inspect.signature(app.tasks[name].run).parameters) == TASKS[name]["parameters"]


@each_released_task
def test_a_task_stays_in_its_queue(name: str) -> None:
    assert app.amqp.router.route({}, name)["queue"].name == TASKS[name]["queue"]


def test_a_worker_does_what_the_old_release_asked_and_goes_on_past_what_it_does_not_know(system: System) -> None:
    system.start("web")
    thread_id = new_id()
    turn = system.ayse.say("Hello", thread_id=thread_id)
    unknown = envelope("assistant.tasks.drain_backlog")
    unknown["headers"]["task"] = "assistant.tasks.of_a_later_release"
    with system.redis() as broker:
        broker.delete("mirror")  # today's nudge
        for message in (envelope("assistant.tasks.mirror_message", **{MESSAGE_ID: turn["client_msg_id"]}), unknown):
            broker.lpush("mirror", json.dumps(message))
        assert broker.llen("mirror") == 2

    system.start("worker")

    system.wait_for_mirror(thread_id, 2)
    system.wait_until_idle()
    assert_arrived_once_in_order(system, turn)


# Rows


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresProcess]:
    postgres.require()
    with postgres.cluster() as running:
        yield running


@pytest.fixture(scope="module")
def schema(cluster: PostgresProcess) -> str:
    """The URL of a database with today's tables, empty."""
    url = cluster.create("today")
    manage(url, "from django.core.management import call_command\ncall_command('migrate', verbosity=0)")
    return url


@pytest.fixture
def database(cluster: PostgresProcess, schema: str) -> Iterator[str]:
    name = f"copy_{uuid.uuid4().hex}"
    yield cluster.copy(name, schema.rsplit("/", 1)[1])
    cluster.drop(name)


def manage(url: str, program: str) -> str:
    """Run Python with today's models; what it printed."""
    told = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "easy_islanders.settings"}
    command = [sys.executable, "-c", f"import django\ndjango.setup()\n{program}"]
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def insert_as_the_old_release(url: str) -> None:
    with psycopg.connect(url) as connection:
        for table in (f"assistant_{name}" for name in TABLES):
            for row in ROWS[table]:
                columns = sql.SQL(", ").join(map(sql.Identifier, row))
                statement = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM json_populate_record(NULL::{0}, %s)")
                connection.execute(statement.format(sql.Identifier(table), columns), [json.dumps(row)])


@pytest.mark.timeout(900)
def test_rows_of_the_old_release_are_taken_and_read(database: str) -> None:
    insert_as_the_old_release(database)

    read = manage(database, READING).splitlines()

    assert read == ["released-thread", "Hello Hello!", *["1"] * (len(TABLES) - 1)]


@each_table
@pytest.mark.timeout(900)
def test_rows_of_this_release_have_what_the_old_one_selects(database: str, table: str) -> None:
    manage(database, INSERTING)
    columns = sql.SQL(", ").join(map(sql.Identifier, ROWS[table][0]))
    selecting = sql.SQL("SELECT row_to_json(t) FROM (SELECT {} FROM {}) t").format(columns, sql.Identifier(table))

    with psycopg.connect(database) as connection:
        found = connection.execute(selecting)
        kinds = [{key: type(value) for key, value in row.items() if value is not None} for (row,) in found.fetchall()]

    expected = [{key: type(value) for key, value in row.items() if value is not None} for row in ROWS[table]]
    assert sorted(map(str, kinds)) == sorted(map(str, expected))
