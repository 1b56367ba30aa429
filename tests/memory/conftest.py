"""What the memory's suites share: saying something without nudging anybody."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from assistant import conversation
from assistant.conversation import ThreadRef
from assistant.models import User

Say = Callable[..., UUID]


@pytest.fixture
def say(ayse: User) -> Say:
    """Store a user's message; its client_msg_id."""

    def say(text: str, thread_id: str = "t1") -> UUID:
        client_msg_id = uuid4()
        conversation.record(ThreadRef(ayse, thread_id), text, client_msg_id)
        return client_msg_id

    return say
