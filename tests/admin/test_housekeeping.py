"""What is no longer needed goes by itself, hourly."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from workers.housekeeping import tidy

pytestmark = pytest.mark.django_db


def test_old_attempts_and_sessions_go_and_others_stay() -> None:
    now = timezone.now()
    for name, at in (("old", now - timedelta(hours=1)), ("new", now)):
        AccessAttempt.objects.create(username=name, ip_address="192.0.2.1", failures_since_start=1)
        AccessAttempt.objects.filter(username=name).update(attempt_time=at)
        Session.objects.create(session_key=name, session_data="", expire_date=at + timedelta(minutes=1))
    tidy()
    assert [row.username for row in AccessAttempt.objects.all()] == ["new"]
    assert [row.session_key for row in Session.objects.all()] == ["new"]


def test_it_runs_by_itself_on_the_default_queue() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["housekeeping"]["task"] == tidy.name
    assert settings.CELERY_TASK_ROUTES["workers.housekeeping.*"] == {"queue": "default"}
