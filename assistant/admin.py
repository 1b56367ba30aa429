"""The Django admin: without what anybody wrote; what can be changed is changed by audited actions."""

from typing import ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from assistant.memory import dead_letters
from assistant.memory.proof import prove
from assistant.models import ApiToken, AuditEntry, DeadLetter, Listing, Message, ModeTransition, Thread, User

PROOFS_AT_ONCE = 20

admin.site.site_header = "Easy Islanders"
admin.site.register(User, UserAdmin)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Rows can be looked at; the system alone changes them. No count over the whole table."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Thread)
class ThreadAdmin(ReadOnlyAdmin):
    list_display = ("id", "user_id", "created_at", "last_sequence", "known_to_zep_at")
    search_fields = ("=id",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("client_msg_id", "thread_id", "sequence", "role", "mirror_state", "mirror_attempts", "mirrored_at")
    list_filter = ("mirror_state",)
    search_fields = ("=client_msg_id", "=thread__id")
    exclude: ClassVar = ["text", "rich", "outgoing_parts"]
    actions = ("prove",)

    @admin.action(description="Prove: ask Zep whether it has them")
    def prove(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        for message in queryset[:PROOFS_AT_ONCE]:
            for proof in prove(message.client_msg_id, message.thread_id):
                level = messages.SUCCESS if proof.holds else messages.WARNING
                facts = f"{proof.state}, attempts {proof.attempts}, redacted {proof.redactions}"
                text = f"{proof.client_msg_id}: {facts}, Zep uuid {proof.zep_uuid}, read back: {proof.read_back}"
                self.message_user(request, text, level)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Sent again or given up by who may change messages; each change is audited."""

    list_display = ("client_msg_id", "thread_id", "sequence", "role", "mirror_error", "mirror_attempts", "created_at")
    list_filter = ("mirror_error",)
    search_fields = ("=client_msg_id", "=thread__id")
    exclude: ClassVar = ["text", "rich", "outgoing_parts"]
    actions = ("replay", "discard")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return dead_letters.find(dead_letters.Filter())

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("assistant.change_message")

    @admin.action(description="Send to Zep again", permissions=["steer"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        replayed = 0
        for letter in queryset:
            wanted = dead_letters.Filter(client_msg_id=letter.client_msg_id, thread_id=letter.thread_id)
            replayed += sum(len(rows) for rows in dead_letters.replay(wanted, actor=_actor(request), limit=1))
        self.message_user(request, f"{replayed} on their way to Zep; they arrive late and are marked so.")

    @admin.action(description="Give up", permissions=["steer"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        discarded = 0
        for letter in queryset:
            wanted = dead_letters.Filter(client_msg_id=letter.client_msg_id, thread_id=letter.thread_id)
            discarded += dead_letters.discard(wanted, actor=_actor(request), limit=1)
        self.message_user(request, f"{discarded} given up; they stay in their conversations.")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "details")
    list_filter = ("action",)


@admin.register(ModeTransition)
class ModeTransitionAdmin(ReadOnlyAdmin):
    list_display = ("at", "before", "after", "reason", "by", "until", "probe_failures", "epoch")
    list_filter = ("reason",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("id", "user_id", "name", "created_at")
    exclude: ClassVar = ["digest"]


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    list_display = ("reference", "title", "place", "tenure", "bedrooms", "price_gbp")
    list_filter = ("tenure", "place")


def _actor(request: HttpRequest) -> str:
    return request.user.get_username()
