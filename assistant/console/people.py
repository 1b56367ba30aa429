"""Users, and the homes that are listed."""

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from assistant.console.confirmation import Question, ask
from assistant.console.lists import PAGE, CappedPaginator, ExactSearch, ReadOnlyAdmin
from assistant.conversation import UserGone
from assistant.models import Listing, User
from assistant.personal_data import erasure


@admin.register(User)
class PeopleAdmin(ExactSearch, UserAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Django's own, for many users: found by their whole name, or by their number."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = PAGE
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    list_display = ("username", "id", "is_staff", "is_active", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("username",)
    search_help_text = "A name in full, or a user's number"
    filter_horizontal = ()
    autocomplete_fields = ()
    actions = ("erase",)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes a row by hand: an erasure goes to every place, and is remembered after a restore."""
        return False

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("assistant.delete_user")

    @admin.action(description="Erase", permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        explains = "Everything about these people is erased for good, here and at Zep. Staff is passed over."
        return ask(self, request, queryset, Question("erase", "Erase", explains, _erase))

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        found = queryset.filter(username=term)
        if term.isdecimal() and not found.exists():
            found = queryset.filter(pk=int(term[:18]))
        return found


def _erase(pks: list[Any], by: str) -> str:
    """Who can operate the system is erased by command, which sees to it that somebody still can."""
    begun = 0
    for user in User.objects.filter(pk__in=pks, is_staff=False, is_superuser=False):
        with suppress(UserGone):
            erasure.request(user, by)
            begun += 1
    return f"{begun} erasures begun; a worker carries them out. {len(pks) - begun} passed over."


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    list_display = ("reference", "title", "place", "tenure", "bedrooms", "price_gbp")
    list_filter = ("tenure", "place")
    filters_in_address = ("tenure", "place")
    ordering = ("reference",)
