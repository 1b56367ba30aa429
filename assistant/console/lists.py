"""What all lists of the admin share: nothing is changed by hand, and no page looks at more than a few thousand rows.

No count over a whole table; one order, which an index has; filters and searches that indexes answer, and no others.
Django itself would let staff filter by any column in the address, which is slow, and tells what a masked text holds.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

CAP = 10_000
PAGE = 100


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # generic only in the stubs
    """Counts up to the cap and no further; older rows are found by search and filters."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[:CAP].count() if isinstance(rows, QuerySet) else len(rows)


class OneOrder(ChangeList):
    """The list in its own order, whatever the address asks for."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str | Combinable]:
        return [str(name) for name in self.model_admin.get_ordering(request)]


class ExactSearch:
    """A search for whole values, each by an index of its own, which `found` chooses; for a `ModelAdmin`."""

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (self.found(queryset, term) if term else queryset), False


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """Rows can be looked at; the system alone changes them, and audited actions of who may."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = PAGE
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table
    sortable_by = ()
    filters_in_address: ClassVar[Sequence[str]] = ()
    steer_permission = "assistant.steer_memory"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OneOrder

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        own = {getattr(known, "parameter_name", None) for known in self.list_filter}
        return lookup in own or lookup in self.filters_in_address

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """What nobody edits is shown too: times above all."""
        hidden = {*(self.exclude or ()), self.opts.pk.name}
        kept = [field.name for field in self.opts.fields if not field.editable and field.name not in hidden]
        return [*kept, *self.readonly_fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.steer_permission)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """An action of somebody who may not is refused, not passed over."""
        if request.method == "POST" and not self.has_steer_permission(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)


class Choice(admin.SimpleListFilter):
    """A filter by fixed values, so that no list reads its table to find them. `FIELD` is compared with the value."""

    FIELD = ""
    VALUES: ClassVar[Sequence[tuple[str, str]]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.VALUES)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = self.value() in dict(self.VALUES)
        return self.narrowed(queryset, str(self.value())) if known else queryset

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(**{self.FIELD: value})


def actor(request: HttpRequest) -> str:
    """The operator's name, as the audit keeps it."""
    return request.user.get_username()
