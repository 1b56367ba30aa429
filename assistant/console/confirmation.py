"""Actions on chosen rows ask first: a page says what will happen, and only its own button does it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from assistant.console.lists import actor

AT_ONCE = 500
SHOWN = 20


@dataclass(frozen=True)
class Question:
    """What is asked before rows are changed. `carry_out(pks, actor)` does it and says what it did."""

    action: str
    title: str
    explains: str
    carry_out: Callable[[list[Any], str], str]
    details: dict[str, str] = field(default_factory=dict)


def ask(
    model_admin: "ModelAdmin[Any]", request: HttpRequest, queryset: QuerySet[Any], question: Question
) -> HttpResponse | None:
    """Show the page, or where its button was pressed do it: exactly to the rows that the page was about."""
    pks = list(queryset.values_list("pk", flat=True)[:AT_ONCE])
    if request.POST.get("confirmed") == "yes":
        model_admin.message_user(request, question.carry_out(pks, actor(request)), messages.SUCCESS)
        return None
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question.title,
        "question": question,
        "opts": model_admin.opts,
        "pks": pks,
        "shown": [str(row) for row in queryset.filter(pk__in=pks[:SHOWN])],
        "not_shown": max(0, len(pks) - SHOWN),
        "is_cut": len(pks) == AT_ONCE,
        "at_once": AT_ONCE,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/assistant/confirm_action.html", context)
