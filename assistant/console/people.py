"""Users, and the homes that are listed."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from assistant.console.lists import PAGE, CappedPaginator, ReadOnlyAdmin
from assistant.models import Listing, User


@admin.register(User)
class PeopleAdmin(UserAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Django's own, for many users: found by the start of their name, or by their number."""

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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(username=term)
        if term.isdecimal() and not found.exists():
            found = queryset.filter(pk=int(term[:18]))
        return found, False


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    list_display = ("reference", "title", "place", "tenure", "bedrooms", "price_gbp")
    list_filter = ("tenure", "place")
    filters_in_address = ("tenure", "place")
    ordering = ("reference",)
