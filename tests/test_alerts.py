"""The webhook: each change of the guard is told, from a task, and told again until it is heard."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant import loops
from assistant.events import AlertFailed, Event
from assistant.memory import guard, recovery, transitions
from assistant.memory.guard import Kind
from assistant.models import ModeTransition
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.support.guarding import GuardInRedis, guard_in
from workers import alerts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("standin")]
SECRET = "T0-secret-path"


class Webhook:
    """A real HTTP server that notes what it is told and answers with `status`."""

    def __init__(self) -> None:
        self.status, self.heard = 200, list[dict[str, Any]]()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                webhook.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(webhook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/{SECRET}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def webhook(settings: Settings) -> Iterator[Webhook]:
    webhook = Webhook()
    settings.MEMORY_ALERT_WEBHOOK_URL = webhook.url
    yield webhook
    webhook.close()


@pytest.fixture
def guarded(redis_server: RedisProcess) -> Iterator[GuardInRedis]:
    with guard_in(redis_server) as guarded:
        yield guarded


def a_transition(guarded: GuardInRedis) -> ModeTransition:
    loops.run(guard.report(Kind.AUTH, guarded.epoch))
    recovery.tick()
    return ModeTransition.objects.get()


def test_a_change_is_told_once(guarded: GuardInRedis, webhook: Webhook) -> None:
    row = a_transition(guarded)

    alerts.tell_webhook(str(row.pk))
    alerts.tell_webhook(str(row.pk))

    (told,) = webhook.heard
    assert told["text"].startswith("Memory reads are off: auth (by guard), next probe after ")
    assert (told["event"], told["reason"], told["epoch"]) == ("memory_mode_forced", "auth", row.epoch)
    assert transitions.to_tell(10) == []


def test_a_webhook_that_fails_is_told_again_later(
    guarded: GuardInRedis, webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    webhook.status = 500
    row = a_transition(guarded)
    alerts.tell_webhook(str(row.pk))
    assert transitions.to_tell(10) == []  # not yet

    ModeTransition.objects.update(alert_due_at=timezone.now() - timedelta(seconds=1))
    webhook.status = 200
    alerts.tell_webhook(str(row.pk))

    assert len(webhook.heard) == 2
    row.refresh_from_db()
    assert (row.alert_due_at, row.alert_tries) == (None, 2)
    assert SECRET not in "".join(capfd.readouterr())


def test_a_webhook_that_never_listens_is_left_alone_after_ten_tries(guarded: GuardInRedis, webhook: Webhook) -> None:
    webhook.status = 500
    row = a_transition(guarded)

    for _ in range(12):
        ModeTransition.objects.exclude(alert_due_at=None).update(alert_due_at=timezone.now() - timedelta(seconds=1))
        alerts.tell_webhook(str(row.pk))

    assert len(webhook.heard) == transitions.ALERT_TRIES


def test_a_webhook_that_never_answers_holds_no_worker(
    guarded: GuardInRedis, settings: Settings, standin: StandIn, announced: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "TIMEOUT_SECONDS", 0.5)
    settings.MEMORY_ALERT_WEBHOOK_URL = f"{standin.url}/api/v2/sessions/x/memory"
    row = a_transition(guarded)
    standin.fault("hang")

    alerts.tell_webhook(str(row.pk))

    assert AlertFailed("TimeoutError") in announced or AlertFailed("ReadTimeout") in announced


@pytest.mark.parametrize("url", ["http://a..b/", f"http://{'x' * 70}.example/", "http://127.0.0.1:1/"])
def test_an_address_that_is_none_is_a_failure_and_not_an_error(
    guarded: GuardInRedis, settings: Settings, announced: list[Event], url: str
) -> None:
    settings.MEMORY_ALERT_WEBHOOK_URL = url
    row = a_transition(guarded)

    alerts.tell_webhook(str(row.pk))

    assert sum(isinstance(event, AlertFailed) for event in announced) == 1


def test_without_a_webhook_nothing_waits_to_be_told(guarded: GuardInRedis) -> None:
    assert a_transition(guarded).alert_due_at is None
