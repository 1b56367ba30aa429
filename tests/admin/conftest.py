"""Members of staff, each with a browser, and a conversation to look at."""

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from assistant import loops
from assistant.models import Message, MirrorState, Thread, User

LOOKS = tuple(
    f"view_{model}"
    for model in (
        "thread",
        "message",
        "deadletter",
        "auditentry",
        "modetransition",
        "apitoken",
        "user",
        "archive",
        "drillrun",
    )
)
SECRET = "Mehmet lives at Ziya Rizki 12, call him"  # what nobody may see unasked
Stored = Callable[..., Message]


def member(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def browser_of(user: User) -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def _a_link_without_a_past() -> None:
    """An earlier test may have stopped Redis, which its link would leave alone for a moment."""
    loops.run(loops.aclose())


@pytest.fixture
def onlooker(db: None) -> Client:
    """Staff who may look at everything, and steer nothing."""
    return browser_of(member("onlooker", *LOOKS))


@pytest.fixture
def steerer(db: None) -> Client:
    """Staff who may steer, and neither reveal nor issue."""
    return browser_of(member("steerer", *LOOKS, "steer_memory"))


@pytest.fixture
def stored(ayse: User) -> Stored:
    """Make a message in a state of its own."""

    def make(state: MirrorState = MirrorState.MIRRORED, thread_id: str = "t1", **fields: object) -> Message:
        thread, _ = Thread.objects.get_or_create(id=thread_id, defaults={"user": ayse})
        thread.last_sequence += 1
        thread.save()
        row = {"user": ayse, "thread": thread, "sequence": thread.last_sequence, "client_msg_id": uuid.uuid4()}
        return Message.objects.create(**row | {"role": "user", "text": SECRET, "mirror_state": state} | fields)

    return make
