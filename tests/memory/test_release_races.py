"""Letting a thread go while an operator replays one of its dead letters: on PostgreSQL, where both can be under way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from uuid import UUID

import pytest
from django.db import connection, transaction

from assistant.memory import dead_letters, outbox
from assistant.memory.outbox import Lease
from assistant.models import Message, MirrorState
from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.memory.conftest import Say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]


@pytest.fixture
def dead(say: Say) -> UUID:
    """The one message of its thread, a dead letter."""
    client_msg_id = say("freed")
    Message.objects.update(mirror_state=MirrorState.DEAD, mirror_error="http_422")
    return client_msg_id


@pytest.fixture
def lease(dead: UUID) -> Lease:
    """The thread's, whose holder has found nothing to send."""
    lease = outbox.take_lease("t1")
    assert lease is not None
    return lease


def replay_elsewhere(before_commit: Callable[[], object] = lambda: None) -> None:
    """Replay the letter over a connection of this thread's own."""
    try:
        with transaction.atomic():
            list(dead_letters.replay(dead_letters.Filter(), actor="ayse", limit=10))
            before_commit()
    finally:
        connection.close()


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def is_due() -> bool:
    return outbox.waiting_threads(timedelta(0), 10) == ["t1"]


def state(client_msg_id: UUID) -> str:
    return Message.objects.get(client_msg_id=client_msg_id).mirror_state


def test_a_letter_whose_replay_is_not_committed_when_the_thread_is_let_go_is_not_stranded(
    dead: UUID, lease: Lease
) -> None:
    replayed = Event()

    def commit_only_once_it_is_waited_for() -> None:
        replayed.set()
        wait_until(somebody_waits_for_a_lock, "the holder to let go")

    with ThreadPoolExecutor(1) as pool:
        replaying = pool.submit(replay_elsewhere, commit_only_once_it_is_waited_for)
        assert replayed.wait(PATIENCE_SECONDS)
        let_go = outbox.release(lease, due_in=None)
        replaying.result()
    if not let_go:
        outbox.release(lease, due_in=0.0)

    assert state(dead) == MirrorState.PENDING
    assert is_due()


def test_a_letter_that_is_replayed_after_the_holders_last_look_is_not_stranded(
    dead: UUID, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = outbox.something_waits

    with ThreadPoolExecutor(1) as pool:

        def look_then_be_slow(thread_id: str) -> bool:
            found = look(thread_id)
            monkeypatch.setattr(outbox, "something_waits", look)
            replaying = pool.submit(replay_elsewhere)
            wait_until(lambda: replaying.done() or somebody_waits_for_a_lock(), "the replay to get as far as it can")
            return found

        monkeypatch.setattr(outbox, "something_waits", look_then_be_slow)
        assert outbox.release(lease, due_in=None)

    assert state(dead) == MirrorState.PENDING
    assert is_due()
