"""What can be done from the Memory page: each step has a page that says what will happen and asks, and one POST.

A GET changes nothing. Who lacks `assistant.steer_memory` gets 403 for both.
"""

import secrets
from dataclasses import dataclass
from typing import Any, ClassVar

from celery import current_app
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from kombu.exceptions import OperationalError

from assistant import loops
from assistant.console.lists import actor
from assistant.memory import asked_probes, steering
from assistant.memory.flags import DEFAULT_HOLD_SECONDS
from assistant.models import AuditEntry
from assistant.redis_link import RedisDown

STEER = "assistant.steer_memory"
PROBE_TASK = "workers.guard.probe_now"
PROBE_WAIT_SECONDS = 5.0
PROBE_SAID = {
    "passed": "Zep answered; reads go on, unless only clearing ends the hold.",
    "failed": "Zep did not answer as it should; the hold goes on.",
    "not_forced": "Nothing to recover: reads are not off.",
    "not_due": "Not probed: reads are switched off by the settings, or the guard's state is not there yet.",
    "locked": "Another probe is under way.",
    "outlived": "The hold changed while the probe was under way.",
}


class NothingToFillIn(forms.Form):
    """The button is the answer."""


class ForceForm(forms.Form):
    """`steering` has the last word on what a reason may hold."""

    reason = forms.CharField(
        max_length=64, help_text="1 to 64 letters, digits, spaces and _ . : -, without personal data."
    )
    hold_seconds = forms.IntegerField(
        min_value=0,
        max_value=steering.LONGEST_HOLD_SECONDS,
        initial=DEFAULT_HOLD_SECONDS,
        label="Hold (seconds)",
        help_text="When the probe may end it; 0: until somebody clears it.",
    )


@dataclass(frozen=True)
class Said:
    """What a step came to."""

    text: str
    level: int = messages.SUCCESS


class Step:
    """One thing that can be done. `carry_out` may raise ValueError: the form says it."""

    slug: ClassVar[str]
    title: ClassVar[str]
    explains: ClassVar[str]
    form: ClassVar[type[forms.Form]] = NothingToFillIn

    def carry_out(self, said: dict[str, Any], by: str) -> Said:
        raise NotImplementedError

    @property
    def view(self) -> Any:
        return require_http_methods(["GET", "HEAD", "POST"])(never_cache(self._answer))

    @property
    def url(self) -> str:
        return reverse(f"memory_{self.slug}")

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(STEER):
            raise PermissionDenied
        form = self.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid() and (said := self._done(form, actor(request))):
            messages.add_message(request, said.level, said.text)
            return HttpResponseRedirect(reverse("memory"))
        context = admin.site.each_context(request) | {"title": self.title, "step": self, "form": form}
        return TemplateResponse(request, "admin/assistant/steer.html", context)

    def _done(self, form: forms.Form, by: str) -> Said | None:
        try:
            return self.carry_out(form.cleaned_data, by)
        except ValueError as error:  # our own words about the reason, the length or the operator's name
            form.add_error(None, str(error))
        except RedisDown:
            form.add_error(
                None, "Redis does not answer. Reads are off meanwhile; what was ordered is done when it is back."
            )
        except steering.StateUnknown:
            form.add_error(None, "Redis has no state yet. Reads are off until the control worker makes it.")
        return None


class Force(Step):
    slug, title, form = "force", "Force write-only", ForceForm
    explains = "Reads stop in the whole cluster; messages are mirrored on. It replaces a hold that is there."

    def carry_out(self, said: dict[str, Any], by: str) -> Said:
        if steering.force(said["reason"], said["hold_seconds"], by=by):
            return Said("Reads are off.")
        return Said("Written down; the control worker carries it out. Reads are off meanwhile.", messages.WARNING)


class Clear(Step):
    slug, title = "clear", "Clear"
    explains = "Reads go on in the whole cluster, whatever Zep does; if it still fails, the guard stops them again."

    def carry_out(self, said: dict[str, Any], by: str) -> Said:
        return Said("Reads go on." if steering.clear(by=by) else "Reads were not off.")


class Probe(Step):
    slug, title = "probe", "Probe now"
    explains = "The control worker asks Zep at once, although it may not be due; where Zep answers, reads go on."

    def carry_out(self, said: dict[str, Any], by: str) -> Said:
        question = secrets.token_hex(8)
        AuditEntry.objects.create(actor=by, action="guard.probe")
        try:
            current_app.send_task(PROBE_TASK, (question,), queue="control")
        except (OperationalError, OSError) as error:
            return Said(f"The broker does not take the question: {type(error).__name__}.", messages.ERROR)
        outcome = loops.run(asked_probes.wait_for(question, PROBE_WAIT_SECONDS))
        if outcome is None:
            return Said("The control worker has not answered yet. Is it running?", messages.WARNING)
        level = messages.SUCCESS if outcome in ("passed", "not_forced") else messages.WARNING
        return Said(PROBE_SAID.get(outcome, outcome), level)


class ResetFailures(Step):
    slug, title = "reset", "Reset failures"
    explains = "The streak of failed reads begins anew. A hold stays."

    def carry_out(self, said: dict[str, Any], by: str) -> Said:
        steering.reset_failures(by=by)
        return Said("The streak is at 0.")


STEPS: tuple[Step, ...] = (Force(), Clear(), Probe(), ResetFailures())
