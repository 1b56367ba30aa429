"""Archives: which file holds which part of which thread. The files themselves are not shown here."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from assistant.console.lists import Choice, ReadOnlyAdmin
from assistant.models import Archive


class State(Choice):
    title, parameter_name, FIELD = "state", "state", "state"
    VALUES = tuple((state.value, state.value) for state in Archive.State)


@admin.register(Archive)
class ArchiveAdmin(ReadOnlyAdmin):
    list_display = ("id", "thread_id", "state", "rule", "message_count", "size_bytes", "created_at", "verified_at")
    list_filter = (State,)
    search_fields = ("thread",)
    search_help_text = "A thread's id, in full"
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(thread_id=term) if term else queryset), False
