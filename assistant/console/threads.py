"""Threads: whose they are, how far the mirror is with them, and forgetting what the cache has of them."""

from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from assistant.archive import archiving
from assistant.console.archives import each_in_time
from assistant.console.confirmation import Question, ask
from assistant.console.lists import Choice, ExactSearch, ReadOnlyAdmin
from assistant.conversation import ThreadNotFound, UserGone
from assistant.memory import steering
from assistant.models import Thread
from assistant.personal_data import erasure
from assistant.redis_link import RedisDown


class Waits(Choice):
    title, parameter_name = "mirror", "mirror"
    VALUES = (("waiting", "waits for the mirror"), ("holding", "holds messages"))

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "waiting":
            return queryset.filter(mirror_due_at__isnull=False)
        return queryset.filter(holds_messages=True)


@admin.register(Thread)
class ThreadAdmin(ExactSearch, ReadOnlyAdmin):
    list_display = ("id", "user_id", "created_at", "last_sequence", "mirror_due_at", "holds_messages")
    list_filter = (Waits,)
    search_fields = ("id",)
    search_help_text = "A thread's id, or a user's number, in full"
    exclude: ClassVar = ["summary"]  # what a person is looking for
    actions = ("invalidate", "archive", "erase")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Each by the index that has it; the primary key alone is a text without an order of time."""
        return ("-mirror_due_at", "id") if request.GET.get("mirror") == "waiting" else ("-created_at", "id")

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        found = queryset.filter(pk=term)
        if term.isdecimal() and not found.exists():
            found = queryset.filter(user_id=int(term[:18]))
        return found

    @admin.action(description="Forget the cached context", permissions=["steer"])
    def invalidate(self, request: HttpRequest, queryset: QuerySet[Thread]) -> HttpResponse | None:
        explains = "What the cache has of these threads is forgotten, old copies too; their next turns ask Zep."
        return ask(self, request, queryset, Question("invalidate", "Forget the cached context", explains, _invalidate))

    @admin.action(description="Archive", permissions=["steer"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Thread]) -> HttpResponse | None:
        explains = "What was said in these threads goes into encrypted files, but for the newest messages."
        return ask(self, request, queryset, Question("archive", "Archive", explains, _archive))

    @admin.action(description="Erase", permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Thread]) -> HttpResponse | None:
        explains = "These threads are erased for good, here and at Zep. Their ids cannot be used again."
        return ask(self, request, queryset, Question("erase", "Erase", explains, _erase))

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return self.has_steer_permission(request) and request.user.has_perm("assistant.delete_thread")


def _archive(pks: list[Any], by: str) -> str:
    return each_in_time(pks, lambda pk: archiving.archive_now(pk, by).messages, "messages archived")


def _erase(pks: list[Any], by: str) -> str:
    begun = 0
    for thread in Thread.objects.filter(pk__in=pks).select_related("user"):
        with suppress(UserGone, ThreadNotFound):  # somebody else was faster
            erasure.request_thread(thread.user, thread.pk, by)
            begun += 1
    return f"{begun} erasures begun; a worker carries them out."


def _invalidate(pks: list[Any], by: str) -> str:
    forgotten = 0
    for pk in pks:
        try:
            steering.invalidate(pk, by=by)
        except RedisDown:
            return (
                f"Forgotten for {forgotten} threads; then Redis did not answer. What is cached ends within 30 seconds."
            )
        forgotten += 1
    return f"Forgotten for {forgotten} threads."
