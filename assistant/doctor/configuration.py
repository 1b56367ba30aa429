"""The settings: Django's checks, those of a deployment among them."""

from django.core import checks
from django.core.checks import CheckMessage

from assistant.doctor.findings import Finding, failed, ok, warning

NAME = "configuration"


def look() -> list[Finding]:
    """A finding for each message; its hint is what to do."""
    messages = checks.run_checks(include_deployment_checks=True)
    found = [
        _finding(message) for message in messages if message.is_serious(checks.WARNING) and not message.is_silenced()
    ]
    return found or [ok(NAME, "Django's checks, those of a deployment among them, have nothing to say.")]


def _finding(message: CheckMessage) -> Finding:
    make = failed if message.is_serious(checks.ERROR) else warning
    said = " ".join(str(message.msg).split())
    hint = " ".join(str(message.hint or "").split())
    return make(NAME, f"{message.id}: {said}", hint or "manage.py check --deploy")
