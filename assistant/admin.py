"""The Django admin: read-only, and without what anybody wrote."""

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from assistant.models import ApiToken, Listing, Message, Thread, User

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


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("id", "user_id", "name", "created_at")
    exclude: ClassVar = ["digest"]


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    list_display = ("reference", "title", "place", "tenure", "bedrooms", "price_gbp")
    list_filter = ("tenure", "place")
