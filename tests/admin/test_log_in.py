"""The admin's log-in is throttled by name and address, and keeps nothing that was typed."""

import json
import logging
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.test import Client
from django.utils import timezone

from assistant.console import throttle
from assistant.events import Event, LogInLocked
from assistant.models import User

pytestmark = pytest.mark.django_db
RIGHT, WRONG = "correct horse battery", "wrong horse battery"
ELSEWHERE = "battery-in-another-field"
LOG_IN = "/admin/login/"


@pytest.fixture(autouse=True)
def chief(db: None) -> User:
    return User.objects.create_superuser("chief", password=RIGHT)


def try_to_log_in(name: str = "chief", password: str = WRONG, peer: str = "192.0.2.1", **headers: str) -> int:
    client = Client(SERVER_NAME="localhost", REMOTE_ADDR=peer, headers=headers)
    body = {"username": name, "password": password, "next": "/admin/", "remark": ELSEWHERE}
    return client.post(LOG_IN, body, query_params={"pass": ELSEWHERE}).status_code


def lock_out() -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        try_to_log_in()


def test_too_many_wrong_passwords_lock_even_the_right_one_out() -> None:
    assert try_to_log_in(password=RIGHT) == 302
    lock_out()
    assert try_to_log_in(password=RIGHT) == 429


def test_the_name_from_elsewhere_and_others_from_there_go_on() -> None:
    User.objects.create_superuser("second", password=RIGHT)
    lock_out()
    assert try_to_log_in(password=RIGHT, peer="192.0.2.2") == 302
    assert try_to_log_in("second", RIGHT) == 302


def test_a_header_does_not_make_another_address_of_it() -> None:
    lock_out()
    assert try_to_log_in(password=RIGHT, **{"X-Forwarded-For": "203.0.113.9"}) == 429


def test_the_name_in_other_letters_is_the_same_name() -> None:
    for name in ("chief", "CHIEF", "Chief", "chieF", "cHief"):
        try_to_log_in(name)
    assert try_to_log_in(password=RIGHT) == 429


def test_the_lock_ends() -> None:
    lock_out()
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert try_to_log_in(password=RIGHT) == 302


def test_trying_on_does_not_prolong_the_lock() -> None:
    lock_out()
    at = AccessAttempt.objects.get().attempt_time
    try_to_log_in()
    assert AccessAttempt.objects.get().attempt_time == at


def test_what_was_typed_is_neither_kept_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        lock_out()
        try_to_log_in("my-Passw0rd-in-the-wrong-field")
        try_to_log_in(password=RIGHT, peer="192.0.2.3")
    kept = json.dumps([*AccessAttempt.objects.values(), *AccessLog.objects.values()], default=str)
    for typed in (WRONG, RIGHT, ELSEWHERE, "chief", "my-Passw0rd", "csrf"):
        assert typed not in kept
        assert typed not in caplog.text
    assert "192.0.2" not in caplog.text
    assert (AccessLog.objects.count(), AccessFailureLog.objects.count()) == (0, 0)


def test_records_end_with_the_time_that_they_are_for() -> None:
    lock_out()
    try_to_log_in("other")
    old = AccessAttempt.objects.order_by("pk")[:1].values_list("pk", flat=True)
    AccessAttempt.objects.filter(pk=old[0]).update(attempt_time=timezone.now() - timedelta(hours=1))
    assert throttle.forget_old_attempts() == 1
    assert AccessAttempt.objects.count() == 1


def test_a_lock_is_announced(announced: list[Event]) -> None:
    lock_out()
    assert announced == [LogInLocked()]
