"""The sweep and its drainers: enough to work off what waits, never a pile of them, one while writing is on hold."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import redis as redis_py
from django.utils import timezone

from assistant import conversation, loops
from assistant.conversation import ThreadRef
from assistant.memory import backlog, write_hold
from assistant.memory.errors import ZepUnauthorized
from assistant.models import Thread, User
from assistant.tasks import drain_backlog
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from workers.sweep import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def waiting(ayse: User) -> Callable[[int], None]:
    """Make threads with a message that has waited for ten minutes."""

    def make(threads: int) -> None:
        for number in range(threads):
            conversation.record(ThreadRef(ayse, f"t{number}"), "hello", uuid4())
        Thread.objects.update(mirror_due_at=timezone.now() - timedelta(minutes=10))

    return make


def queued(redis_server: RedisProcess) -> int:
    client = redis_py.Redis.from_url(redis_server.url)
    length = client.llen("mirror")
    client.close()
    assert isinstance(length, int)
    return length


def test_nothing_is_started_where_nothing_waits(redis_server: RedisProcess) -> None:
    sweep()

    assert queued(redis_server) == 0


def test_no_more_drainers_than_threads_are_started(waiting: Callable[[int], None], redis_server: RedisProcess) -> None:
    waiting(2)

    sweep()

    assert queued(redis_server) == 2


def test_without_workers_drainers_do_not_pile_up(waiting: Callable[[int], None], redis_server: RedisProcess) -> None:
    waiting(20)

    for _ in range(10):
        sweep()

    assert queued(redis_server) == 8


def test_while_writing_is_on_hold_and_not_due_nobody_is_started(
    waiting: Callable[[int], None], redis_server: RedisProcess
) -> None:
    waiting(5)
    loops.run(_hold())

    sweep()

    assert queued(redis_server) == 0


def test_a_drainer_works_off_every_waiting_thread(waiting: Callable[[int], None], standin: StandIn) -> None:
    waiting(30)

    ended = backlog.run_drainer(start_more=lambda _: None)

    assert ended.mirrored == 30
    assert len(standin.threads()) == 30
    assert not Thread.objects.filter(mirror_due_at__isnull=False).exists()


def test_a_drainer_that_put_a_thread_off_asks_for_another_when_it_is_due(
    waiting: Callable[[int], None], standin: StandIn, redis_server: RedisProcess
) -> None:
    """A message that Zep refuses holds its thread for seconds, not until the sweep comes by."""
    waiting(1)
    standin.fault("status", route="write", status=422)

    began = timezone.now()
    drain_backlog()
    took = (timezone.now() - began).total_seconds()

    client = redis_py.Redis.from_url(redis_server.url)
    published = [json.loads(message) for message in client.lrange("mirror", 0, -1)]
    client.close()
    due_at = Thread.objects.get().mirror_due_at
    assert due_at is not None
    assert [message["headers"]["task"] for message in published] == ["assistant.tasks.drain_backlog"]
    late = (datetime.fromisoformat(published[0]["headers"]["eta"]) - due_at).total_seconds()
    assert -2 < late < 2 + took


def test_after_a_hold_drainers_start_slowly(redis_server: RedisProcess) -> None:
    client = redis_py.Redis.from_url(redis_server.url)
    seconds = int(loops.run(write_hold.state()).now)

    wanted = []
    for ago in (0, 1, 2, 3, 30):
        client.set(write_hold.RECOVERED_KEY, seconds - ago)
        wanted.append(backlog.drainers_wanted())

    assert wanted[0] in (1, 2)  # the clock goes on meanwhile
    assert wanted == sorted(wanted)
    assert wanted[-1] == 8


async def _hold() -> None:
    await write_hold.failed(await write_hold.admit(), "t0", ZepUnauthorized(401))
