"""What is kept of failed log-ins: how many, from which address, for the hash of which name; and for how long.

A password typed into the wrong field is a "name" too, so no name is stored as it was typed, nor anything else that was
sent. The address is the peer's own: headers that a proxy may or may not have set are not believed.
"""

import hmac
from typing import Any

from axes.models import AccessAttempt
from axes.signals import user_locked_out
from django.conf import settings
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from assistant.events import LogInLocked, announce


def address_of(request: HttpRequest) -> str | None:
    """The address that the connection came from."""
    return request.META.get("REMOTE_ADDR") or None


def name_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """What stands for the name in the records: a keyed hash, the same for each spelling by case."""
    typed = (credentials or {}).get("username") or request.POST.get("username") or ""
    return hmac.digest(settings.SECRET_KEY.encode(), str(typed).casefold().encode(), "sha256").hex()


def forget_old_attempts() -> int:
    """Delete the records of log-ins that no lock depends on any more. One query."""
    over = AccessAttempt.objects.filter(attempt_time__lt=timezone.now() - settings.AXES_COOLOFF_TIME)
    return int(over.delete()[0])


@receiver(pre_save, sender=AccessAttempt)
def _keep_nothing_that_was_sent(instance: AccessAttempt, **_: object) -> None:
    instance.get_data = instance.post_data = instance.http_accept = ""


@receiver(user_locked_out)
def _tell(**_: object) -> None:
    announce(LogInLocked())
