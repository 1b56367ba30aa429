"""Dead letters: messages that Zep would not take, sent again or given up by who may steer."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from assistant.console.confirmation import Question, ask
from assistant.console.lists import Choice
from assistant.console.messages import MaskedAdmin, nudge
from assistant.memory import dead_letters
from assistant.models import DeadLetter, Message

KINDS = ("http_400", "http_413", "http_422", "http_500", "http_502", "http_503", "conflict", "remote_deleted")


class Kind(Choice):
    title, parameter_name, FIELD = "kind", "kind", "mirror_error"
    VALUES = tuple((kind, kind) for kind in KINDS)


@admin.register(DeadLetter)
class DeadLetterAdmin(MaskedAdmin):
    list_display = ("client_msg_id", "mirror_error", "created_at", "role", "mirror_attempts", "thread_id", "sequence")
    list_filter = (Kind,)
    ordering = ("-created_at", "-id")
    actions = ("replay", "discard")

    def rows(self) -> QuerySet[Message]:
        return dead_letters.find(dead_letters.Filter())

    @admin.action(description="Send to Zep again", permissions=["steer"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        explains = "They become pending again, arrive behind what was said since, and are marked as late."
        return ask(self, request, queryset, Question("replay", "Send to Zep again", explains, _replay))

    @admin.action(description="Give up", permissions=["steer"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        explains = "They stay in their conversations here, and never reach Zep."
        return ask(self, request, queryset, Question("discard", "Give up", explains, _discard))


def _chosen(pks: list[Any]) -> list[dead_letters.Filter]:
    rows = Message.objects.filter(pk__in=pks).values_list("client_msg_id", "thread_id")
    return [dead_letters.Filter(client_msg_id=client_msg_id, thread_id=thread_id) for client_msg_id, thread_id in rows]


def _replay(pks: list[Any], by: str) -> str:
    replayed = [
        row for wanted in _chosen(pks) for rows in dead_letters.replay(wanted, actor=by, limit=1) for row in rows
    ]
    nudge(tuple({row.thread_id: str(row.client_msg_id) for row in replayed}.values()))
    return f"{len(replayed)} on their way to Zep; they arrive late and are marked so."


def _discard(pks: list[Any], by: str) -> str:
    given_up = sum(dead_letters.discard(wanted, actor=by, limit=1) for wanted in _chosen(pks))
    return f"{given_up} given up; they stay in their conversations."
