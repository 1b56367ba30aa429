"""Every migration can run while the release before it does; what could not is refused here, before it is released."""

import copy
from collections.abc import Sequence

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from assistant.online import AddIndexOnline, RemoveIndexOnline
from tests.deploy.migration_rules import complaints

FIRST = "0001_initial"  # nothing ran before it
EXCEPTIONS = {
    "0003_archive": "message and thread in one transaction: from before that was refused",
    "0004_personal_data": "message and user likewise",
    "0005_operating": "apitoken and auditentry likewise, and auditentry's indexes",
    "0008_thread_counts": "rows, in batches of a thousand, each committed by itself",
    "0012_retained_since_before": "archives in such batches; then each that was restored, by indexes",
}
ONLINE = (AddIndexOnline, RemoveIndexOnline)
LOADER = MigrationLoader(None, ignore_no_migrations=True)
LATER = sorted(name for app, name in LOADER.disk_migrations if app == "assistant" and name != FIRST)


def state_before(name: str) -> ProjectState:
    state: ProjectState = LOADER.project_state(("assistant", name), at_end=False)
    return copy.deepcopy(state)


@pytest.mark.parametrize("name", LATER)
def test_a_migration_leaves_the_running_release_alone(name: str) -> None:
    found = complaints(LOADER.disk_migrations["assistant", name], state_before(name))

    assert bool(found) == (name in EXCEPTIONS), found


@pytest.mark.parametrize("name", LATER)
def test_an_index_that_comes_or_goes_beside_writes_is_alone_and_in_no_transaction(name: str) -> None:
    migration = LOADER.disk_migrations["assistant", name]
    online = [operation for operation in migration.operations if isinstance(operation, ONLINE)]

    assert not online or (not migration.atomic and len(online) == len(migration.operations))


def judged(*operations: Operation, atomic: bool = True) -> list[str]:
    migration = migrations.Migration("made_up", "assistant")
    migration.operations = operations  # type: ignore[misc]  # a class's attribute for those that are written down
    migration.atomic = atomic  # type: ignore[misc]  # likewise
    return complaints(migration, state_before(LATER[-1]))


def text(**more: object) -> "models.CharField[str, str]":
    return models.CharField(max_length=40, **more)  # type: ignore[arg-type]


INDEX = models.Index(fields=["agent"], name="made_up")
ID = ("id", models.BigAutoField(primary_key=True))
MADE = migrations.CreateModel("Made", [ID])


def reference(model: str) -> "models.ForeignKey[models.Model | None, models.Model | None]":
    return models.ForeignKey(model, models.CASCADE, null=True, db_index=False)


MOOD = migrations.AddField("message", "mood", text(null=True))
TWO_TABLES = [
    [MOOD, migrations.AddField("archive", "mood", text(null=True))],
    [MOOD, migrations.AlterField("erasure", "failure", models.CharField(max_length=200))],
    [MOOD, RemoveIndexOnline("archive", "archive_retained")],
    [MOOD, migrations.CreateModel("Made", [ID, ("thread", reference("assistant.thread"))])],
    [MOOD, MADE, migrations.AddField("made", "thread", reference("assistant.thread"))],
    [MOOD, migrations.AddField("erasure", "parent", reference("self"))],
]


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        ([migrations.AddField("message", "mood", text(default=""))], "db_default"),
        ([migrations.AddField("message", "mood", text(null=True, db_index=True))], "index"),
        ([migrations.RemoveField("message", "agent")], "old release"),
        ([migrations.RenameField("message", "agent", "who")], "old release"),
        ([migrations.DeleteModel("Listing")], "old release"),
        ([migrations.RenameModel("Listing", "Home")], "old release"),
        ([migrations.AlterModelTable("listing", "homes")], "old release"),
        ([migrations.AlterField("message", "mirrored_at", models.DateTimeField())], "null"),
        ([migrations.AlterField("message", "agent", models.CharField(max_length=8))], "longer"),
        ([migrations.AlterField("message", "agent", models.TextField())], "type"),
        ([migrations.AlterField("message", "agent", models.CharField(max_length=32, db_index=True))], "index"),
        ([migrations.AddIndex("message", INDEX)], "AddIndexOnline"),
        ([migrations.AddIndex("archive", INDEX)], "AddIndexOnline"),
        ([migrations.AddIndex("auditentry", INDEX)], "AddIndexOnline"),
        ([migrations.RemoveIndex("archive", "archive_retained")], "RemoveIndexOnline"),
        ([migrations.AddConstraint("thread", models.UniqueConstraint(fields=["user"], name="made_up"))], "locked"),
        ([migrations.RunSQL("SELECT 1")], "locks"),
        *((operations, "another order") for operations in TWO_TABLES),
    ],
)
def test_what_the_running_release_could_not_bear_is_refused(operations: Sequence[Operation], said: str) -> None:
    found = judged(*operations)

    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    "operations",
    [
        [migrations.AddField("message", "mood", text(null=True))],
        [migrations.AddField("message", "mood", text(db_default=""))],
        [migrations.AlterField("message", "agent", models.CharField(max_length=64, default=""))],
        [AddIndexOnline("message", INDEX)],
        [RemoveIndexOnline("archive", "archive_retained")],
        [migrations.AddIndex("erasure", models.Index(fields=["scope"], name="made_up"))],
        [MOOD, MADE, migrations.AddField("made", "message", reference("assistant.message"))],
        [MOOD, migrations.AlterModelOptions("archive", {"verbose_name": "file"})],
        [MADE, migrations.AddField("made", "mood", text()), migrations.AddIndex("made", INDEX)],
    ],
)  # fmt: skip
def test_what_it_can_bear_is_not(operations: Sequence[Operation]) -> None:
    assert judged(*operations) == []


@pytest.mark.parametrize("operations", TWO_TABLES)
def test_outside_of_a_transaction_it_can_bear_several_tables(operations: Sequence[Operation]) -> None:
    assert judged(*operations, atomic=False) == []


@pytest.mark.parametrize("atomic", [True, False])
def test_a_reference_between_tables_that_there_are_holds_both_in_any_case(atomic: bool) -> None:
    found = judged(migrations.AddField("message", "erasure", reference("assistant.Erasure")), atomic=atomic)

    assert len(found) == 1
    assert "erasure, message" in found[0]
