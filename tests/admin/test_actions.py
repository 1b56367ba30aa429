"""What operators may do to rows: asked first, by POST with a permission, and audited."""

from typing import Any

import pytest
import redis
from django.test import Client

from assistant.memory import dead_letters, mirror
from assistant.models import ApiToken, Archive, AuditEntry, DeadLetter, Message, MirrorState, Thread, User
from assistant.tokens import issue
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.admin.conftest import SECRET, Stored, browser_of, member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]
MESSAGES, LETTERS, THREADS = "/admin/assistant/message/", "/admin/assistant/deadletter/", "/admin/assistant/thread/"
TOKENS = "/admin/assistant/apitoken/"


def choose(client: Client, path: str, action: str, *pks: object, confirmed: bool = True) -> Any:
    body = {"action": action, "_selected_action": [str(pk) for pk in pks]}
    return client.post(path, body | ({"confirmed": "yes"} if confirmed else {}))


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.parametrize(
    ("path", "action"), [(LETTERS, "replay"), (LETTERS, "discard"), (MESSAGES, "remirror"), (THREADS, "invalidate")]
)
def test_an_action_asks_before_it_does_anything(steerer: Client, stored: Stored, path: str, action: str) -> None:
    row = stored(MirrorState.DEAD)
    page = choose(steerer, path, action, row.thread_id if path == THREADS else row.pk, confirmed=False)
    assert page.status_code == 200
    assert 'name="confirmed"' in page.text
    assert "Ziya" not in page.text
    assert actions() == []
    assert dead_letters.count() == 1


@pytest.mark.parametrize(
    ("path", "action"),
    [(LETTERS, "replay"), (LETTERS, "discard"), (MESSAGES, "remirror"), (THREADS, "invalidate"), (TOKENS, "revoke")],
)
def test_who_may_not_steer_is_refused(onlooker: Client, stored: Stored, ayse: User, path: str, action: str) -> None:
    row = stored(MirrorState.DEAD)
    issue(ayse)
    pk = {THREADS: row.thread_id, TOKENS: ApiToken.objects.get().pk}.get(path, row.pk)
    for confirmed in (False, True):
        assert choose(onlooker, path, action, pk, confirmed=confirmed).status_code == 403
    assert onlooker.get(path).status_code == 200
    assert actions() == []
    assert dead_letters.count() == 1


def test_a_post_without_its_csrf_token_is_refused(stored: Stored) -> None:
    row = stored(MirrorState.DEAD)
    strict = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
    strict.force_login(member("careful", "view_deadletter", "steer_memory"))
    assert choose(strict, LETTERS, "discard", row.pk).status_code == 403
    assert dead_letters.count() == 1


def test_a_dead_letter_is_sent_again_with_its_operators_name(steerer: Client, stored: Stored) -> None:
    row, other = stored(MirrorState.DEAD), stored(MirrorState.DEAD)
    choose(steerer, LETTERS, "replay", row.pk)
    row.refresh_from_db()
    assert row.mirror_state == MirrorState.PENDING
    assert list(DeadLetter.objects.filter(mirror_state="dead")) == [other]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("steerer", "replay_dead_letters")


def test_a_dead_letter_is_given_up(steerer: Client, stored: Stored) -> None:
    row = stored(MirrorState.DEAD)
    choose(steerer, LETTERS, "discard", row.pk)
    assert dead_letters.count() == 0
    assert actions() == ["discard_dead_letters"]


def test_mirroring_again_sets_each_state_back_as_far_as_that_means_something(steerer: Client, stored: Stored) -> None:
    given_up = stored(MirrorState.DEAD, discarded_at="2026-01-01T00:00:00Z")
    held, behind = stored(MirrorState.HELD, "t2"), stored(MirrorState.HELD, "t2")
    waiting, there = stored(MirrorState.PENDING, "t3"), stored(MirrorState.MIRRORED, "t4")
    choose(steerer, MESSAGES, "remirror", given_up.pk, held.pk, waiting.pk, there.pk)
    states = {row.pk: row.mirror_state for row in Message.objects.all()}
    assert states == {
        given_up.pk: "pending", held.pk: "pending", behind.pk: "pending", waiting.pk: "pending", there.pk: "mirrored"
    }  # fmt: skip
    assert set(Thread.objects.filter(mirror_due_at__isnull=False).values_list("id", flat=True)) == {"t1", "t2", "t3"}
    assert sorted(actions()) == ["backfill", "message.remirror"]


def test_what_is_in_an_archive_is_not_sent_without_its_text(steerer: Client, stored: Stored) -> None:
    row = stored(MirrorState.DEAD, discarded_at="2026-01-01T00:00:00Z")
    file = Archive.objects.create(
        thread_id="t1", name="a", rule="age", first_sequence=1, last_sequence=1, message_count=1, format_version=1
    )
    Message.objects.filter(pk=row.pk).update(archive=file, text="")
    choose(steerer, MESSAGES, "remirror", row.pk)
    row.refresh_from_db()
    assert row.mirror_state == MirrorState.DEAD


def test_held_messages_stay_held_while_writing_is_off(steerer: Client, stored: Stored, settings: Any) -> None:
    settings.FLAG_ZEP_WRITE = settings.FLAG_ZEP_READ = False
    row = stored(MirrorState.HELD)
    choose(steerer, MESSAGES, "remirror", row.pk)
    row.refresh_from_db()
    assert row.mirror_state == MirrorState.HELD


def test_nothing_is_sent_twice_by_mirroring_again(steerer: Client, stored: Stored, standin: StandIn) -> None:
    """Even a letter that Zep has after all: it is found there by its id."""
    row = stored(MirrorState.PENDING, "t1")
    Thread.objects.update(mirror_due_at="2026-01-01T00:00:00Z")
    assert mirror.drain("t1").mirrored == 1
    for state in (MirrorState.MIRRORED, MirrorState.DEAD):
        Message.objects.filter(pk=row.pk).update(mirror_state=state)
        choose(steerer, MESSAGES, "remirror", row.pk)
        mirror.drain("t1")
        mirror.drain("t1")
    assert len(standin.thread("t1").messages) == 1


def test_a_threads_cached_context_is_forgotten(steerer: Client, stored: Stored, redis_server: RedisProcess) -> None:
    stored(thread_id="t1")
    client = redis.Redis.from_url(redis_server.url)
    client.set("mem:ctx:v1:t1:summary", "{}")
    choose(steerer, THREADS, "invalidate", "t1")
    assert client.get("mem:ctx:v1:t1:summary") is None
    assert actions() == ["context.invalidate"]


def test_without_redis_forgetting_says_so(steerer: Client, stored: Stored, redis_server: RedisProcess) -> None:
    stored(thread_id="t1")
    redis_server.stop()
    answer = choose(steerer, THREADS, "invalidate", "t1")
    assert "Redis did not answer" in steerer.get(answer["Location"]).text


# What a message says


def test_revealing_takes_a_permission_of_its_own(steerer: Client, stored: Stored) -> None:
    row = stored()
    for answer in (steerer.get(f"{MESSAGES}{row.pk}/reveal/"), steerer.post(f"{MESSAGES}{row.pk}/reveal/")):
        assert answer.status_code == 403
        assert "Ziya" not in answer.text
    assert actions() == []


def test_each_reveal_is_noted_with_ids_alone(stored: Stored) -> None:
    row = stored()
    reader = browser_of(member("reader", "view_message", "reveal_message"))
    assert "Ziya" not in reader.get(f"{MESSAGES}{row.pk}/reveal/").text, "a GET only asks"
    for _ in range(2):
        answer = reader.post(f"{MESSAGES}{row.pk}/reveal/")
        assert SECRET in answer.text
        assert "no-store" in answer["Cache-Control"]
    entries = list(AuditEntry.objects.all())
    assert [(entry.actor, entry.action) for entry in entries] == [("reader", "message.reveal")] * 2
    assert entries[0].details == {"thread": "t1", "client_msg_id": str(row.client_msg_id)}
