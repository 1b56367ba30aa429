"""Each check, with its part really broken, and well."""

import json
import re
import threading
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant import loops
from assistant.doctor import archives, clocks, configuration, database, memory, redis_roles, workers
from assistant.doctor.examination import examine
from assistant.doctor.findings import Check, Finding, Status, ok, skipped, warning, worst_of
from assistant.memory import guard, heartbeats, write_hold
from assistant.memory.errors import ZepUnauthorized
from assistant.memory.guard import Kind
from assistant.memory.write_hold import Admission, Pass
from assistant.models import Message, MirrorState, Thread, User
from ops.free_port import free_port
from ops.redis_process import RedisProcess
from ops.waiting import wait_until
from ops.zep_standin.process import StandIn
from tests.support.timing import is_ever_within

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


def statuses(findings: list[Finding]) -> list[Status]:
    return [finding.status for finding in findings]


def said(findings: list[Finding]) -> str:
    for finding in findings:
        if finding.status in (Status.WARNING, Status.FAILED):
            assert finding.do, f"{finding.check} does not say what to do"
    return " ".join(f"{finding.status} {finding.found} {finding.do}" for finding in findings)


@pytest.fixture
def asked(redis_server: RedisProcess) -> Any:
    client = redis.Redis.from_url(redis_server.url, decode_responses=True)
    before = client.config_get("maxmemory*")
    client.config_resetstat()
    yield client
    if redis_server.is_running:
        for name in ("maxmemory", "maxmemory-policy"):
            client.config_set(name, str(before[name]))
        client.config_set("appendonly", "yes")
        # Until its first AOF is written, a server refuses to stop.
        wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "the AOF to be written anew")


@pytest.fixture
def another_redis(tmp_path: Path, settings: Settings) -> Any:
    """A cache of its own."""
    server = RedisProcess(tmp_path / "cache", free_port()).start()
    settings.CACHE_REDIS_URL = server.url
    yield server
    server.stop()


# Configuration and database


def test_contradictory_settings_are_told_with_their_hint(settings: Settings) -> None:
    settings.FLAG_ZEP_WRITE = False
    assert "memory.E001" in said(configuration.look())
    assert "Set FLAG_ZEP_WRITE=true" in said(configuration.look())


def test_what_a_deployment_lacks_is_a_warning(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = False
    assert "warning security.W012" in said(configuration.look())


def test_a_database_of_this_release_is_fine() -> None:
    assert statuses(database.look()) == [Status.OK, Status.OK]


def test_a_missing_migration_is_told_by_name() -> None:
    ((_, newest),) = MigrationLoader(connection).graph.leaf_nodes("assistant")
    MigrationRecorder(connection).record_unapplied("assistant", newest)
    try:
        told = said(database.look())
    finally:
        MigrationRecorder(connection).record_applied("assistant", newest)
    assert newest in told
    assert "manage.py migrate" in told


# Redis


def test_a_state_redis_that_keeps_everything_is_fine(asked: Any) -> None:
    assert statuses(redis_roles.look_at_state()) == [Status.OK]


def test_a_state_redis_that_evicts_is_a_failure(asked: Any) -> None:
    asked.config_set("maxmemory-policy", "allkeys-lru")
    assert "failed Its maxmemory-policy is allkeys-lru" in said(redis_roles.look_at_state())


def test_a_state_redis_that_forgets_at_a_restart_is_a_failure(asked: Any) -> None:
    asked.config_set("appendonly", "no")
    assert "no AOF" in said(redis_roles.look_at_state())


def test_a_state_redis_that_is_nearly_full_is_a_warning(asked: Any) -> None:
    asked.config_set("maxmemory", int(asked.info("memory")["used_memory"] * 1.05))
    assert "warning Its memory is nearly full" in said(redis_roles.look_at_state())


def test_a_state_redis_without_the_guards_state_is_a_failure(asked: Any) -> None:
    asked.flushall()
    assert "no state of the guard" in said(redis_roles.look_at_state())


def test_a_redis_that_is_away_is_a_failure_of_both_roles(redis_server: RedisProcess) -> None:
    redis_server.stop()
    assert statuses(redis_roles.look_at_state()) == [Status.FAILED]
    assert statuses(redis_roles.look_at_cache()) == [Status.FAILED]


@pytest.mark.usefixtures("impatient")
def test_a_redis_that_hangs_is_a_failure_within_seconds(redis_server: RedisProcess) -> None:
    redis_server.freeze()
    assert statuses(redis_roles.look_at_state()) == [Status.FAILED]
    assert is_ever_within(10, redis_roles.look_at_state)


def test_one_server_for_both_roles_is_a_warning(asked: Any, settings: Settings) -> None:
    settings.CACHE_REDIS_URL = settings.REDIS_URL.replace("/0", "/1")  # another name for the same server
    assert "the same server" in said(redis_roles.look_at_cache())


def test_a_cache_that_may_not_forget_is_a_warning(another_redis: RedisProcess) -> None:
    assert "may not forget" in said(redis_roles.look_at_cache())


def test_a_cache_of_its_own_that_forgets_is_fine(another_redis: RedisProcess) -> None:
    client = redis.Redis.from_url(another_redis.url)
    client.config_set("maxmemory", "64mb")
    client.config_set("maxmemory-policy", "allkeys-lru")
    assert statuses(redis_roles.look_at_cache()) == [Status.OK]


# Signs of life


def test_nobody_heard_of_is_a_failure() -> None:
    assert statuses(workers.look_at_heartbeats()) == [Status.FAILED] * 3


def test_whoever_was_heard_of_lately_lives() -> None:
    for name in heartbeats.NAMES:
        loops.run(heartbeats.beat(name))
    loops.run(guard.begin_probe(reads_are_on=True))
    assert statuses(workers.look_at_heartbeats()) == [Status.OK] * 3


def test_an_old_heartbeat_is_a_failure(redis_server: RedisProcess) -> None:
    client = redis.Redis.from_url(redis_server.url)
    client.set(heartbeats.key_of("beat"), time.time() - 100)
    told = said(workers.look_at_heartbeats())
    assert re.search(r"Last heard 1\d\d s ago", told)
    assert "Start the `beat` process" in told


def test_queues_without_workers_are_failures(redis_server: RedisProcess) -> None:
    redis.Redis.from_url(redis_server.url).rpush("archive", *["{}"] * 3)
    told = said(workers.look_at_queues())
    assert told.count("Nobody takes tasks from it") == 4
    assert "Nobody takes tasks from it; 3 wait." in told


# Clocks


def test_clocks_that_agree_are_fine() -> None:
    assert set(statuses(clocks.look())) == {Status.OK}


@pytest.mark.parametrize(("seconds", "status"), [(18, Status.WARNING), (-18, Status.WARNING), (90, Status.FAILED)])
def test_a_clock_that_is_off_is_told(seconds: float, status: Status) -> None:
    found = clocks.look(now=lambda: time.time() + seconds)
    assert found[0].status is status
    (told,) = re.findall(r"by (\S+) s", found[0].found)
    assert float(told) == pytest.approx(abs(seconds), abs=10)  # less, where the machine stands still meanwhile
    assert "timedatectl" in found[0].do


# Mode, backlog, Zep


def test_a_forced_guard_is_a_warning_with_its_reason() -> None:
    assert statuses(memory.look_at_mode()) == [Status.OK]
    loops.run(guard.report(Kind.AUTH, "1"))
    assert "warning Reads are forced off: auth." in said(memory.look_at_mode())


def test_a_write_hold_is_a_warning() -> None:
    loops.run(write_hold.failed(Pass(Admission.OPEN, "x"), "t1", ZepUnauthorized(401)))
    assert "Writing to Zep is on hold: auth." in said(memory.look_at_mode())


@pytest.mark.parametrize(("age", "status"), [(5, Status.OK), (120, Status.WARNING), (3_600, Status.FAILED)])
def test_the_backlog_is_judged_by_its_oldest(ayse: User, age: int, status: Status) -> None:
    message(ayse, MirrorState.PENDING, age)
    assert statuses(memory.look_at_backlog()) == [status]


@pytest.mark.parametrize("state", [MirrorState.DEAD, MirrorState.HELD])
def test_dead_letters_and_held_messages_are_warnings(ayse: User, state: MirrorState) -> None:
    message(ayse, state, 5)
    assert statuses(memory.look_at_backlog()) == [Status.WARNING]
    assert "manage.py zep_" in said(memory.look_at_backlog())


def message(user: User, state: MirrorState, age: int) -> None:
    thread = Thread.objects.create(id="t1", user=user, holds_messages=state == MirrorState.HELD)
    at = timezone.now() - timedelta(seconds=age)
    Message.objects.create(
        user=user, thread=thread, sequence=1, client_msg_id=uuid4(), text="x", mirror_state=state, created_at=at
    )


def test_zep_that_answers_and_takes_the_key_is_fine(standin: StandIn) -> None:
    assert statuses(memory.look_at_zep()) == [Status.OK]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 401}, "It refuses the key (401)"),
        ({"kind": "status", "status": 503}, "http_503"),
        ({"kind": "reset"}, "connection"),
        ({"kind": "garbage"}, "bad_response"),
    ],
)
def test_what_is_wrong_with_zep_is_told(standin: StandIn, fault: dict[str, Any], words: str) -> None:
    standin.fault(route="read", **fault)
    assert words in said(memory.look_at_zep())


# Archives


def test_a_release_without_archives_is_not_looked_at(settings: Settings) -> None:
    settings.STORAGES = {name: of for name, of in settings.STORAGES.items() if name != "archive"}
    assert statuses(archives.look()) == [Status.SKIPPED]


def test_a_storage_that_works_and_encrypts_is_fine(settings: Settings, tmp_path: Path) -> None:
    store(settings, tmp_path)
    settings.ARCHIVE_ENCRYPTION = True
    assert statuses(archives.look()) == [Status.OK, Status.OK]
    assert list(tmp_path.iterdir()) == [], "its own file is gone"


def test_encryption_without_a_key_is_a_failure(settings: Settings, tmp_path: Path) -> None:
    store(settings, tmp_path)
    settings.ARCHIVE_ENCRYPTION, settings.ARCHIVE_ENCRYPTION_KEY = True, []
    assert statuses(archives.look()) == [Status.OK, Status.FAILED]


def test_a_storage_that_cannot_write_is_a_failure_and_plain_archives_a_warning(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    store(settings, tmp_path / "file")
    settings.ARCHIVE_ENCRYPTION = False
    assert statuses(archives.look()) == [Status.FAILED, Status.WARNING]


def store(settings: Settings, folder: Path) -> None:
    of = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = settings.STORAGES | {"archive": of}


# The whole


def test_a_check_that_hangs_or_breaks_has_failed_and_the_others_are_told() -> None:
    def break_down() -> list[Finding]:
        raise ValueError("Mehmet's text")

    def hang() -> list[Finding]:
        threading.Event().wait(60)
        return []

    def answered_but_one(found: list[Finding]) -> list[Finding]:
        """On a busy machine a second may be too little for any."""
        return found if sum("No answer within 1 s" in finding.found for finding in found) == 1 else []

    checks = [
        Check("hangs", hang, "look"),
        Check("breaks", break_down, "look"),
        Check("fine", lambda: [ok("fine", "well")]),
    ]
    found = wait_until(lambda: answered_but_one(examine(checks, total_seconds=1.0)), "those to answer that can")
    assert statuses(found) == [Status.FAILED, Status.FAILED, Status.OK]
    assert found[1].found == "It could not be looked at: ValueError."


def test_the_worst_counts_and_what_was_skipped_does_not() -> None:
    assert worst_of([ok("a", "")]) is Status.OK
    assert worst_of([ok("a", ""), skipped("b", "")]) is Status.OK
    assert worst_of([skipped("b", ""), warning("c", "", "do")]) is Status.WARNING


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
def test_warnings_alone_end_with_0_unless_strict(
    monkeypatch: pytest.MonkeyPatch, strict: tuple[str, ...], code: int
) -> None:
    only = [Check("a", lambda: [warning("a", "not so well", "do something")])]
    monkeypatch.setattr("assistant.management.commands.memory_doctor.checks", lambda **_: only)
    written, ended = StringIO(), 0
    try:
        call_command("memory_doctor", *strict, stdout=written)
    except SystemExit as exit_:
        ended = int(str(exit_.code))
    assert ended == code
    assert written.getvalue().splitlines()[:2] == ["warning  a: not so well", "         -> do something"]


def test_zep_is_asked_on_request_alone(standin: StandIn) -> None:
    before = len(standin.log())
    written = StringIO()
    with pytest.raises(SystemExit):  # there are no workers here
        call_command("memory_doctor", "--json", stdout=written)
    assert len(standin.log()) == before
    told = json.loads(written.getvalue())
    assert told["status"] == "failed"
    assert {"check": "zep", "status": "skipped", "found": "Not asked.", "do": "manage.py memory_doctor --zep"} in told[
        "findings"
    ]
