"""What was done and what happened: the audit, and the guard's transitions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from assistant.console.lists import Choice, ReadOnlyAdmin
from assistant.memory.modes import AUTOMATIC
from assistant.models import AuditEntry, ModeTransition

ACTIONS = (
    "archive.expire",
    "archive.restore",
    "archive.thread",
    "backfill",
    "context.invalidate",
    "discard_dead_letters",
    "erasure.complete",
    "erasure.request",
    "export",
    "guard.clear",
    "guard.force",
    "guard.probe",
    "guard.reset_failures",
    "memory.choose",
    "message.remirror",
    "message.reveal",
    "replay_dead_letters",
    "token.issue",
    "token.revoke",
)


class Action(Choice):
    title, parameter_name, FIELD = "action", "action", "action"
    VALUES = tuple((action, action) for action in ACTIONS)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "details")
    list_filter = (Action,)
    search_fields = ("actor",)
    search_help_text = "An operator's name in full, or an action"
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(action=term)
        return (found if found.exists() else queryset.filter(actor=term)), False


class Reason(Choice):
    title, parameter_name, FIELD = "reason", "reason", "reason"
    VALUES = (*((reason.value, reason.value) for reason in AUTOMATIC), ("probe_failed", "probe failed"))


@admin.register(ModeTransition)
class ModeTransitionAdmin(ReadOnlyAdmin):
    list_display = ("at", "before", "after", "reason", "by", "until", "probe_failures", "epoch")
    list_filter = (Reason,)
    ordering = ("-id",)
