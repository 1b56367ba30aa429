"""What was done and what happened: the audit, and the guard's transitions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from assistant.console.lists import Choice, ExactSearch, ReadOnlyAdmin
from assistant.memory.modes import AUTOMATIC
from assistant.models import AuditEntry, ModeTransition

ACTIONS = (
    "archive.adopt",
    "archive.expire",
    "archive.reseal",
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
class AuditEntryAdmin(ExactSearch, ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "details")
    list_filter = (Action,)
    search_fields = ("actor",)
    search_help_text = "An operator's name in full, or an action"
    ordering = ("-id",)

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        found = queryset.filter(action=term)
        return found if found.exists() else queryset.filter(actor=term)


class Reason(Choice):
    title, parameter_name, FIELD = "reason", "reason", "reason"
    VALUES = (*((reason.value, reason.value) for reason in AUTOMATIC), ("probe_failed", "probe failed"))


@admin.register(ModeTransition)
class ModeTransitionAdmin(ReadOnlyAdmin):
    list_display = ("at", "before", "after", "reason", "by", "until", "probe_failures", "epoch")
    list_filter = (Reason,)
    ordering = ("-id",)
