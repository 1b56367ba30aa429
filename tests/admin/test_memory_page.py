"""The Memory page: what everybody on the staff sees, what it says when parts are away, and steering from it."""

import re
import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant import loops
from assistant.console import figures
from assistant.memory import guard, heartbeats, recovery, steering
from assistant.memory.guard import Kind
from assistant.memory.guard_scripts import INITIALISED_KEY
from assistant.models import AuditEntry, DrillRun, MirrorState, ModeTransition
from ops.redis_process import RedisProcess
from tests.admin.conftest import Stored
from tests.memory.conftest import guarded as guarded  # the fixture, under its name
from tests.support.guarding import GuardInRedis, trip
from tests.support.timing import is_ever_within

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]
PAGE, NOW = "/admin/memory/", "/admin/memory/now/"
STEPS = ("force", "clear", "probe", "reset")
QUERIES = 20
WRITER_SECONDS = 10  # below the 20 s that a transaction waits for the lock
FIRST_EPOCH = "1"
STEP = [{"name": "reads stop", "expected": "write_only", "actual": "<b>", "ms": 12.0, "ok": False}]


def text_of(client: Client, path: str = NOW) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_index_leads_there(onlooker: Client) -> None:
    assert f'href="{PAGE}"' in onlooker.get("/admin/").text


def test_it_says_the_mode_and_why(onlooker: Client) -> None:
    assert "Mode now: read_write" in text_of(onlooker)
    loops.run(guard.report(Kind.AUTH, FIRST_EPOCH))
    forced = text_of(onlooker)
    assert "Mode now: write_only" in forced
    assert "Reason: auth" in forced
    assert re.search(r"Next probe in (2\d\d|3[0-3]\d) s", forced)


def test_a_hold_that_only_an_operator_ends_says_so(onlooker: Client, guarded: GuardInRedis) -> None:
    steering.force("Zep upgrade", 0, by="ayse")
    assert "Until somebody clears it" in text_of(onlooker)


def test_it_says_what_the_settings_ask_for(onlooker: Client, settings: Settings) -> None:
    settings.FLAG_ZEP_READ = False
    assert "Mode now: write_only The settings ask for write_only." in text_of(onlooker)


def test_it_says_to_how_many_threads_memory_is_rolled_out(onlooker: Client, settings: Settings) -> None:
    settings.MEMORY_READ_PERCENT = 10
    assert "rolled out to 10 % of the threads" in text_of(onlooker)


def test_streak_pause_and_heartbeats_are_shown(onlooker: Client) -> None:
    loops.run(guard.report(Kind.FAILURE, FIRST_EPOCH))
    loops.run(guard.pause(40, FIRST_EPOCH))
    loops.run(heartbeats.beat("beat"))
    shown = text_of(onlooker)
    assert "Failed reads in a row 1" in shown
    assert re.search(r"Pause of reads [1-4]\d s", shown)
    assert re.search(r"Beat heard \d+ s ago", shown)
    assert "Control heard not for a day late: is it running?" in shown


def test_the_backlog_is_drawn_by_age(onlooker: Client, stored: Stored) -> None:
    for minutes in (0, 5, 5, 120):
        stored(MirrorState.PENDING, created_at=timezone.now() - timedelta(minutes=minutes))
    stored(MirrorState.DEAD)
    shown = onlooker.get(NOW).text
    assert "4 waiting; 0 held" in shown
    label = re.search(r'aria-label="Messages waiting for Zep by age:([^"]*)"', shown)
    assert label
    said = " ".join(label[1].split())
    just_now = r"under 10 s (1; 10 s to 1 min 0|0; 10 s to 1 min 1)"  # the page may be drawn late
    assert re.fullmatch(f"{just_now}; 1 to 10 min 2; 10 min to 1 h 0; 1 h to 1 day 1; over a day 0;", said)


def test_the_last_transitions_are_listed(onlooker: Client, guarded: GuardInRedis) -> None:
    trip(guarded)
    recovery.keep_state()
    steering.clear(by="ayse")
    recovery.keep_state()
    shown = text_of(onlooker)
    assert re.search(r"read_write cleared ayse .* write_only auth guard", shown)


def test_the_last_run_of_each_drill_is_listed(onlooker: Client) -> None:
    assert "None has run yet" in text_of(onlooker)
    for outcome in (DrillRun.Outcome.FAILED, DrillRun.Outcome.PASSED):
        DrillRun.objects.create(drill="auth_failure", outcome=outcome, host="here", by="schedule", steps=STEP)
    shown = text_of(onlooker)
    assert re.search(r"auth_failure 20\S+ \S+ passed schedule", shown)
    assert "failed schedule" not in shown
    page = text_of(onlooker, f"/admin/assistant/drillrun/{DrillRun.objects.latest('pk').pk}/change/")
    assert "FAILED reads stop write_only &lt;b&gt; 12 ms" in page


def test_without_redis_it_says_so(onlooker: Client, redis_server: RedisProcess, stored: Stored) -> None:
    stored(MirrorState.PENDING)
    redis_server.stop()
    shown = text_of(onlooker)
    assert "Redis does not answer" in shown
    assert "Mode now: write_only" in shown
    assert "1 waiting" in shown


@pytest.mark.usefixtures("impatient")
def test_a_redis_that_hangs_does_not_hang_the_page(onlooker: Client, redis_server: RedisProcess) -> None:
    redis_server.freeze()
    assert "Redis does not answer" in text_of(onlooker)


def test_without_the_guards_state_it_says_so(onlooker: Client, guarded: GuardInRedis) -> None:
    guarded.client.delete(INITIALISED_KEY)
    assert "The guard's state is not there yet" in text_of(onlooker).replace("&#x27;", "'")


def test_a_database_that_does_not_answer_in_time_is_said(onlooker: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object) -> Any:
        raise DatabaseError

    monkeypatch.setattr(figures, "_ages", late)
    shown = text_of(onlooker)
    assert "The database did not answer in time" in shown
    assert "Mode now: read_write" in shown


def test_its_queries_are_few_and_bounded(onlooker: Client, stored: Stored) -> None:
    for _ in range(20):
        stored(MirrorState.PENDING)
    with CaptureQueriesContext(connection) as captured:
        onlooker.get(NOW)
    assert len(captured) <= QUERIES
    counts = [
        query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"] and "LIMIT" not in query["sql"]
    ]
    assert [sql for sql in counts if "'dead'" not in sql] == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="it is SQLite that has one write lock")
def test_it_does_not_wait_for_who_writes(onlooker: Client) -> None:
    writer = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        assert "did not answer" not in text_of(onlooker)
        assert is_ever_within(WRITER_SECONDS, lambda: text_of(onlooker))
    finally:
        writer.close()


def test_who_may_not_steer_sees_no_steps(onlooker: Client, steerer: Client) -> None:
    assert not [step for step in STEPS if f"{PAGE}{step}/" in onlooker.get(PAGE).text]
    assert [step for step in STEPS if f"{PAGE}{step}/" in steerer.get(PAGE).text] == list(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_who_may_not_steer_is_refused(onlooker: Client, guarded: GuardInRedis, step: str) -> None:
    assert onlooker.get(f"{PAGE}{step}/").status_code == 403
    assert onlooker.post(f"{PAGE}{step}/", {"reason": "drill", "hold_seconds": "60"}).status_code == 403
    assert guarded.reason == ""
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("step", STEPS)
def test_a_get_only_asks(steerer: Client, guarded: GuardInRedis, step: str) -> None:
    before = guarded.epoch
    assert "Yes: " in steerer.get(f"{PAGE}{step}/", {"reason": "drill", "hold_seconds": "60"}).text
    assert (guarded.epoch, AuditEntry.objects.count(), ModeTransition.objects.count()) == (before, 0, 0)


def test_a_post_without_its_csrf_token_is_refused(steerer: Client, guarded: GuardInRedis) -> None:
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
    strict.cookies = steerer.cookies
    assert strict.post(f"{PAGE}force/", {"reason": "drill", "hold_seconds": "60"}).status_code == 403
    assert guarded.reason == ""


def test_forcing_and_clearing_are_done_and_audited(steerer: Client, guarded: GuardInRedis) -> None:
    steerer.post(f"{PAGE}force/", {"reason": "Zep upgrade", "hold_seconds": "600"})
    assert (guarded.reason, guarded.left) == ("Zep upgrade", 600.0)
    steerer.post(f"{PAGE}clear/")
    assert guarded.reason == ""
    entries = AuditEntry.objects.order_by("id").values_list("actor", "action")
    assert list(entries) == [("steerer", "guard.force"), ("steerer", "guard.clear")]


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [("", "60"), ("call 0533 123 45 67", "60"), ("drill", "-1"), ("drill", "2592001"), ("drill", "")],
)
def test_a_wrong_reason_or_length_is_said_and_nothing_is_done(
    steerer: Client, guarded: GuardInRedis, reason: str, seconds: str
) -> None:
    answer = steerer.post(f"{PAGE}force/", {"reason": reason, "hold_seconds": seconds})
    assert "errorlist" in answer.text
    assert guarded.reason == ""
    assert not AuditEntry.objects.exists()


def test_the_streak_is_reset(steerer: Client, guarded: GuardInRedis) -> None:
    loops.run(guard.report(Kind.FAILURE, guarded.epoch))
    steerer.post(f"{PAGE}reset/")
    assert loops.run(guard.read_state()).failures == 0


def test_without_redis_an_order_is_written_down(
    steerer: Client, guarded: GuardInRedis, redis_server: RedisProcess
) -> None:
    redis_server.stop()
    answer = steerer.post(f"{PAGE}force/", {"reason": "Zep upgrade", "hold_seconds": "600"})
    assert "the control worker carries it out" in text_of(steerer, answer["Location"])
    assert ModeTransition.objects.get().reason == "Zep upgrade"


def test_a_probe_that_nobody_answers_says_so(steerer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.console.steering_pages.PROBE_WAIT_SECONDS", 0.2)
    answer = steerer.post(f"{PAGE}probe/")
    assert "has not answered yet" in text_of(steerer, answer["Location"])
    assert AuditEntry.objects.get().action == "guard.probe"


@pytest.mark.parametrize("path", [PAGE, NOW])
def test_the_page_keeps_to_a_strict_content_security_policy(steerer: Client, guarded: GuardInRedis, path: str) -> None:
    trip(guarded)
    html = steerer.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", html), "an inline script"
    assert not re.search(r"\s(style|on[a-z]+)=", html), "an inline style or handler"
    assert "<style" not in html
    assert not re.search(r"(src|href)=\"https?:", html), "from elsewhere"


def test_without_scripts_the_page_reloads_itself(onlooker: Client) -> None:
    assert '<noscript><meta http-equiv="refresh"' in onlooker.get(PAGE).text
