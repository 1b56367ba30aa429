"""Archives: which file holds which part of which thread. The files themselves are not shown here."""

import time
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from assistant.archive import restoring
from assistant.archive.errors import ArchiveError
from assistant.console.confirmation import Question, ask
from assistant.console.lists import Choice, ExactSearch, ReadOnlyAdmin
from assistant.models import Archive

SECONDS = 15.0  # somebody waits for the page; what is left is chosen again


def each_in_time(pks: list[Any], act: Callable[[Any], int], done_what: str) -> str:
    """Do it to one after another, for so long; what came of it, refusals with their reasons."""
    deadline, done, refused = time.monotonic() + SECONDS, 0, dict[str, int]()
    for at, pk in enumerate(pks):
        if time.monotonic() > deadline:
            refused["no time left"] = len(pks) - at
            break
        try:
            done += act(pk)
        except ArchiveError as error:
            refused[error.reason] = refused.get(error.reason, 0) + 1
    said = "; ".join(f"{count} not done: {reason}" for reason, count in refused.items())
    return f"{done} {done_what}" + (f"; {said}." if said else ".")


class State(Choice):
    title, parameter_name, FIELD = "state", "state", "state"
    VALUES = tuple((state.value, state.value) for state in Archive.State)


@admin.register(Archive)
class ArchiveAdmin(ExactSearch, ReadOnlyAdmin):
    list_display = ("id", "thread_id", "state", "rule", "message_count", "size_bytes", "created_at", "verified_at")
    list_filter = (State,)
    search_fields = ("thread",)
    search_help_text = "A thread's id, in full"
    ordering = ("-id",)
    actions = ("restore",)

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(thread_id=term)

    @admin.action(description="Restore", permissions=["steer"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Archive]) -> HttpResponse | None:
        explains = "What these archives hold goes back into the database; their threads are left alone for a day."
        return ask(self, request, queryset, Question("restore", "Restore", explains, _restore))


def _restore(pks: list[Any], by: str) -> str:
    return each_in_time(pks, lambda pk: restoring.restore(pk, by).messages, "messages restored")
