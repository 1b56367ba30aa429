"""What is no longer needed goes: records of failed log-ins, and sessions that are over."""

from celery import shared_task
from django.core.management import call_command

from assistant.console import throttle


@shared_task(ignore_result=True)
def tidy() -> None:
    """Delete both. Twice at once does no harm."""
    throttle.forget_old_attempts()
    call_command("clearsessions")
