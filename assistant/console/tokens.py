"""API tokens: issued here, shown once in the answer itself, listed without what they are, taken back."""

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables

from assistant import tokens
from assistant.console.confirmation import Question, ask
from assistant.console.lists import Choice, ExactSearch, ReadOnlyAdmin, actor
from assistant.models import ApiToken, User

ISSUE = "assistant.add_apitoken"
DEFAULT_DAYS = 90


class IssueForm(forms.Form):
    """`user` is who the token speaks for."""

    user = forms.CharField(max_length=150, help_text="The user's name; they have to exist.")
    name = forms.CharField(max_length=100, required=False, help_text="What it is for.")
    expires_days = forms.IntegerField(
        min_value=1,
        max_value=tokens.LONGEST_DAYS,
        initial=DEFAULT_DAYS,
        required=False,
        label="Expires after days",
        help_text="Empty: it does not end.",
    )

    def clean_user(self) -> User:
        user = User.objects.filter(username=self.cleaned_data["user"], is_active=True).first()
        if user is None:
            raise forms.ValidationError("There is no active user of this name.")
        return user


class State(Choice):
    title, parameter_name = "state", "state"
    VALUES = (("valid", "valid"), ("expired", "expired"), ("revoked", "revoked"))

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "valid":
            return queryset & tokens.valid()
        if value == "revoked":
            return queryset.filter(revoked_at__isnull=False)
        return queryset.filter(expires_at__lte=timezone.now(), revoked_at=None)


@admin.register(ApiToken)
class ApiTokenAdmin(ExactSearch, ReadOnlyAdmin):
    list_display = ("id", "user_id", "name", "state", "created_at", "expires_at", "revoked_at")
    list_filter = (State,)
    search_fields = ("user_id",)
    search_help_text = "A user's number"
    ordering = ("-id",)
    exclude: ClassVar = ["digest"]
    actions = ("revoke",)
    steer_permission = "assistant.change_apitoken"

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(user_id=int(term[:18])) if term.isdecimal() else queryset.none()

    @admin.display(description="state")
    def state(self, row: ApiToken) -> str:
        return "revoked" if row.revoked_at else "expired" if _is_over(row.expires_at) else "valid"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ISSUE)

    @method_decorator(never_cache)
    @method_decorator(sensitive_variables())
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The token is in the answer to the form, and nowhere else: no session, no message, no address."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = IssueForm(request.POST if request.method == "POST" else None)
        issued = ""
        if request.method == "POST" and form.is_valid():
            said = form.cleaned_data
            issued = tokens.issue(said["user"], said["name"], expires_days=said["expires_days"], actor=actor(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "A new API token",
            "opts": self.opts,
            "form": form,
            "issued": issued,
        }
        return TemplateResponse(request, "admin/assistant/issue_token.html", context)

    @admin.action(description="Revoke", permissions=["steer"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> HttpResponse | None:
        explains = "They are refused at once, for good. Who uses one needs another."
        return ask(self, request, queryset, Question("revoke", "Revoke", explains, _revoke))


def _revoke(pks: list[Any], by: str) -> str:
    return f"{tokens.revoke(pks, actor=by)} revoked."


def _is_over(expires_at: datetime | None) -> bool:
    return expires_at is not None and expires_at <= timezone.now()
