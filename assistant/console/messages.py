"""Messages without what they say. To see it takes a permission of its own, and leaves an audit entry each time."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib import messages as notes
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache

from assistant.console.confirmation import Question, ask
from assistant.console.lists import Choice, ExactSearch, ReadOnlyAdmin, actor
from assistant.events import MessageRevealed, announce
from assistant.memory import indexed
from assistant.memory.proof import prove
from assistant.memory.remirror import remirror
from assistant.models import AuditEntry, Message, MirrorState
from assistant.publishing import publish
from assistant.tasks import mirror_message

PROOFS_AT_ONCE = 20
NUDGES_AT_ONCE = 50  # the sweep finds the others
SAID = ("text", "rich", "outgoing_parts", "text_digest")
HEAVY = ("text", "rich", "outgoing_parts", "memory_trace")
REVEAL = "assistant.reveal_message"


class OnItsWay(Choice):
    """By partial indexes, which hold the few rows that are not mirrored."""

    title, parameter_name = "way to Zep", "mirror"
    VALUES = (("waiting", "waiting"), ("held", "held"), ("dead", "dead letters"))

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "waiting":
            return queryset.filter(indexed.WAITING)
        if value == "held":
            return queryset.filter(indexed.UNSENT, mirror_state=MirrorState.HELD)
        return queryset.filter(mirror_state=MirrorState.DEAD, discarded_at=None)


class MaskedAdmin(ExactSearch, ReadOnlyAdmin):
    """Rows of messages: found by the ids that logs and traces show, never by what they say."""

    exclude: ClassVar = list(SAID)
    readonly_fields: ClassVar[tuple[str, ...]] = ("said",)
    search_fields = ("client_msg_id",)
    search_help_text = "A client_msg_id or a thread's id, in full"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return self.rows().defer(*HEAVY).annotate(characters=Length("text"))

    def rows(self) -> QuerySet[Message]:
        return Message.objects.all()

    def found(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """One index at a time: `OR`, and Django's own comparison of a UUID as text, read the whole table."""
        found = queryset.filter(client_msg_id=known) if (known := _uuid(term)) else queryset.none()
        return found if found.exists() else queryset.filter(thread_id=term)

    class Media:
        css: ClassVar = {"all": ("assistant/lists.css",)}

    @admin.display(description="text, masked")
    def length(self, row: Message) -> str:
        return f"{getattr(row, 'characters', '?')} characters"

    @admin.display(description="text")
    def said(self, row: Message) -> str:
        return f"masked, {getattr(row, 'characters', '?')} characters"


@admin.register(Message)
class MessageAdmin(MaskedAdmin):
    list_display = ("client_msg_id", "mirror_state", "created_at", "role", "length", "thread_id", "sequence")
    list_filter = (OnItsWay,)
    readonly_fields = ("said", "reveal_link")
    actions = ("remirror", "prove")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Each by the index that has it."""
        if request.GET.get("mirror") == "held":
            return ("thread_id", "sequence")
        return ("-created_at", "-id") if request.GET.get("mirror") in ("waiting", "dead") else ("-id",)

    def get_urls(self) -> list[URLPattern]:
        reveal = self.admin_site.admin_view(never_cache(self.reveal_view))
        return [path("<int:pk>/reveal/", reveal, name="assistant_message_reveal"), *super().get_urls()]

    @admin.display(description="reveal")
    def reveal_link(self, row: Message) -> str:
        return format_html(
            '<a href="{}">Reveal what it says</a>', reverse("admin:assistant_message_reveal", args=[row.pk])
        )

    def reveal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks, POST shows: noted before it is shown."""
        if not request.user.has_perm(REVEAL):
            raise PermissionDenied
        row = Message.objects.filter(pk=pk).first()
        if row is None:
            raise Http404
        is_revealed = request.method == "POST"
        if is_revealed:
            details = {"thread": row.thread_id, "client_msg_id": str(row.client_msg_id)}
            AuditEntry.objects.create(actor=actor(request), action="message.reveal", details=details)
            announce(MessageRevealed(int(request.user.pk or 0)))
        context = {
            **self.admin_site.each_context(request),
            "title": "What a message says",
            "opts": self.opts,
            "row": row if is_revealed else None,
            "name": str(row),
            "pk": row.pk,
        }
        return TemplateResponse(request, "admin/assistant/reveal.html", context)

    @admin.action(description="Mirror again", permissions=["steer"])
    def remirror(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        explains = (
            "Dead letters go to Zep again, given-up ones too; held messages go with all that is held in their threads; "
            "what waits is looked at now. What Zep has already is left alone: nothing is sent twice."
        )
        return ask(self, request, queryset, Question("remirror", "Mirror again", explains, _remirror))

    @admin.action(description="Prove: ask Zep whether it has them", permissions=["steer"])
    def prove(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        for message in queryset[:PROOFS_AT_ONCE]:
            for proof in prove(message.client_msg_id, message.thread_id):
                level = notes.SUCCESS if proof.holds else notes.WARNING
                facts = f"{proof.state}, attempts {proof.attempts}, redacted {proof.redactions}"
                text = f"{proof.client_msg_id}: {facts}, Zep uuid {proof.zep_uuid}, read back: {proof.read_back}"
                self.message_user(request, text, level)


def nudge(client_msg_ids: tuple[str, ...]) -> None:
    """Tell the workers at once; without a broker the sweep finds the threads."""
    for client_msg_id in client_msg_ids[:NUDGES_AT_ONCE]:
        if not publish(mirror_message, client_msg_id):
            return


def _remirror(pks: list[Any], by: str) -> str:
    done = remirror(pks, actor=by)
    nudge(done.nudge)
    return (
        f"Dead letters on their way again: {done.dead}; held messages let go: {done.held}; "
        f"still held, as writing is off: {done.kept}; waiting, looked at now: {done.waiting}; "
        f"left alone because Zep has them: {done.mirrored}, because they are archived: {done.archived}."
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
