"""What a migration may do while old and new processes run side by side, as rules over its operations.

Knows Django's operations, nothing of what the columns mean. The old release goes on inserting rows that it knows, and
selecting columns that it knows; nobody may wait for a lock on a table that is big. A transaction that locks two tables
that there are meets workers that lock them the other way round: PostgreSQL ends one of the two.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

BIG = frozenset({"message", "thread", "user", "archive", "auditentry"})  # rows for what anybody ever said or did
BREAKS_THE_OLD = (migrations.RemoveField, migrations.RenameField, migrations.DeleteModel, migrations.RenameModel)
MOVES_TABLES = (migrations.AlterModelTable,)
ONLY_WORDS = (migrations.AlterModelOptions, migrations.AlterModelManagers)  # nothing in the database
FREE_TEXT = (migrations.RunPython, migrations.RunSQL)
AnyField = Any  # Django's fields; the stubs know neither `db_index` nor what is generic at run time


def complaints(migration: migrations.Migration, state: ProjectState) -> list[str]:
    """What is wrong with it; `state` is how the models are before it."""
    made: set[str] = set()
    locked: list[set[str]] = []
    found: list[str] = []
    for operation in migration.operations:
        found += [f"{operation.describe()}: {complaint}" for complaint in _about(operation, state, made)]
        if isinstance(operation, migrations.CreateModel):
            made.add(operation.name_lower)
        locked.append(_tables(operation))
        operation.state_forwards(migration.app_label, state)
    together = [set().union(*locked)] if migration.atomic else locked
    return found + [complaint for tables in together for complaint in _about_order(tables - made)]


def _about_order(tables: set[str]) -> Iterator[str]:
    """`tables`: those that there are already, and that it holds at the same time."""
    if len(tables) > 1:
        yield f"{', '.join(sorted(tables))}: workers lock them in another order: a migration for each"


def _tables(operation: Operation) -> set[str]:
    """Those it locks: the one it is about, and those that its fields refer to."""
    if isinstance(operation, ONLY_WORDS):
        return set()
    table = getattr(operation, "model_name_lower", "") or getattr(operation, "name_lower", "")
    fields: list[AnyField] = [field for _, field in getattr(operation, "fields", ())]
    fields += [operation.field] if isinstance(operation, (migrations.AddField, migrations.AlterField)) else []
    return {table, *(_referred(field) or table for field in fields)} - {""}


def _referred(field: AnyField) -> str:
    """The model, in small letters; empty: its own, or none."""
    if not field.remote_field:
        return ""
    model = field.remote_field.model
    name = (model if isinstance(model, str) else model.__name__).rpartition(".")[2].lower()
    return "" if name == "self" else name


def _about(operation: Operation, state: ProjectState, made: set[str]) -> Iterator[str]:
    model = getattr(operation, "model_name_lower", "")
    if isinstance(operation, (*BREAKS_THE_OLD, *MOVES_TABLES)):
        yield "the old release still uses it: take it out of the code now, out of the schema with the next release"
    elif isinstance(operation, FREE_TEXT):
        yield "nobody can see what it locks: batches, or a command"
    elif model in made:
        return
    elif isinstance(operation, migrations.AddField):
        yield from _about_new_field(operation.field, model)
    elif isinstance(operation, migrations.AlterField):
        yield from _about_altered_field(state.models["assistant", model].fields[operation.name_lower], operation.field)
    elif model in BIG:
        yield from _about_locks(operation)


def _about_locks(operation: Operation) -> Iterator[str]:
    if isinstance(operation, migrations.AddIndex) and not isinstance(operation, AddIndexConcurrently):
        yield "writes wait while it is built: use AddIndexOnline of assistant/online.py"
    elif isinstance(operation, migrations.RemoveIndex) and not isinstance(operation, RemoveIndexConcurrently):
        yield "everybody waits behind it: use RemoveIndexOnline of assistant/online.py"
    elif isinstance(operation, migrations.AddConstraint):
        yield "the table is locked while it is checked"


def _about_new_field(field: AnyField, model: str) -> Iterator[str]:
    has_default = field.db_default is not models.NOT_PROVIDED
    if not (field.null or field.many_to_many or has_default):
        yield "the old release inserts rows without it: null=True, or a db_default"
    if model in BIG and (field.unique or field.db_index) and not field.many_to_many:
        yield "writes wait while its index is built"


def _about_altered_field(before: AnyField, after: AnyField) -> Iterator[str]:
    if type(before) is not type(after):
        yield "its type changes: the table is rewritten, and the old release writes the old one"
        return
    if before.null and not after.null:
        yield "the old release still writes null"
    if (after.max_length or 0) < (before.max_length or 0):
        yield "the old release still writes longer values"
    if (after.unique, after.db_index) != (before.unique, before.db_index):
        yield "its index changes: as an operation of its own"
