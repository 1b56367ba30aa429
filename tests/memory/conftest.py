"""What the memory's suites share: saying something without nudging anybody."""

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from assistant import conversation
from assistant.conversation import ThreadRef
from assistant.models import User
from ops.redis_process import RedisProcess
from tests.support.guarding import GuardInRedis, guard_in

Say = Callable[..., UUID]


@pytest.fixture
def say(ayse: User) -> Say:
    """Store a user's message; its client_msg_id."""

    def say(text: str, thread_id: str = "t1") -> UUID:
        client_msg_id = uuid4()
        conversation.record(ThreadRef(ayse, thread_id), text, client_msg_id)
        return client_msg_id

    return say


@pytest.fixture
def guarded(redis_server: RedisProcess) -> Iterator[GuardInRedis]:
    """The guard in its first state, with its clock in the test's hand and no jitter."""
    with guard_in(redis_server) as guarded, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("random.random", lambda: 0.5)
        yield guarded
