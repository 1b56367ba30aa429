"""Erasures that are not complete: how long they have waited, and what holds them."""

import re

from django.utils import timezone

from assistant.doctor.findings import RUNBOOK, Finding, failed, ok, warning
from assistant.models import Erasure
from assistant.personal_data import progress

NAME = "erasures"
LATE_SECONDS = 3_600  # the alert MemoryErasureOverdue's number
SHOWN = 5
NOT_GIVEN = re.compile(r"unavailable: archive (\d+)")


def look() -> list[Finding]:
    """The oldest of those whose last attempt failed, each with the reason; no receipt, and nobody's name."""
    found = [_put_off(erasure) for erasure in progress.put_off()[:SHOWN]]
    return found or [ok(NAME, f"{progress.pending()[0]} are under way, none is put off.")]


def _put_off(erasure: Erasure) -> Finding:
    age = (timezone.now() - erasure.requested_at).total_seconds()
    make = failed if age > LATE_SECONDS else warning
    not_given = NOT_GIVEN.search(erasure.failure)
    look_at = f"manage.py archive verify {not_given[1]}; " if not_given else ""
    if "ERASURE_LEDGER" in erasure.failure:
        look_at = "Let web and workers write the file ERASURE_LEDGER: nothing is emptied before. "
    said = f"Erasure {erasure.pk} of a {erasure.scope} has waited for {age:.0f} s: {erasure.failure}."
    return make(NAME, said, f"{look_at}{RUNBOOK}memoryerasureoverdue")
