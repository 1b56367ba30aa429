"""Turns racing a choice or an erasure in threads with connections of their own: on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from uuid import uuid4

import pytest
from django.db import connection

from assistant import conversation
from assistant.conversation import ThreadNotFound, ThreadRef, UserGone
from assistant.memory import mirror
from assistant.models import Erasure, Message, MirrorState, Thread, User
from assistant.personal_data import erasure, progress, retelling
from assistant.personal_data.choices import choose_memory
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import finish, time_passes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]
SPEAKERS, TURNS, ROUNDS = 5, 8, 3
Work = Callable[[], object]


@pytest.fixture
def together() -> Iterator[Callable[..., list[object]]]:
    """Run works in threads that begin at the same moment; what each came to."""
    with ThreadPoolExecutor(SPEAKERS + 2) as pool:

        def run(*works: Work) -> list[object]:
            barrier = Barrier(len(works))

            def one(work: Work) -> object:
                barrier.wait()
                try:
                    return work()
                except (ThreadNotFound, UserGone) as refused:
                    return refused
                finally:
                    connection.close()

            return list(pool.map(one, works))

        yield run


def speaker(user: User, number: int, round_: int) -> Work:
    """Says things in a thread that is there, and in new ones."""

    def speak() -> int:
        said = 0
        for turn in range(TURNS):
            thread_id = "shared" if turn % 2 else f"{round_}-{number}-{turn}"
            conversation.record(ThreadRef(user, thread_id), "kanarya", uuid4())
            said += 1
        return said

    return speak


def test_nothing_said_around_an_opt_out_is_left_to_be_sent(
    together: Callable[..., list[object]], standin: StandIn
) -> None:
    for number in range(ROUNDS):
        user = User.objects.create_user(f"person{number}")
        conversation.record(ThreadRef(user, f"first{number}"), "hello", uuid4())
        before = standin.last_n()

        def speak(user: User = user, number: int = number) -> None:
            for turn in range(TURNS):
                conversation.record(ThreadRef(user, f"{number}-{turn % 3}-{uuid4().hex[:2]}"), "kanarya", uuid4())

        together(*[speak] * SPEAKERS, lambda user=user: choose_memory(user, memory_on=False))

        states = set(Message.objects.filter(user=user).values_list("mirror_state", flat=True))
        assert states == {MirrorState.PRIVATE}
        for thread_id in Thread.objects.filter(user=user).values_list("pk", flat=True):
            mirror.drain(thread_id)
        assert standin.log(before) == []


def test_turns_racing_an_erasure_leave_nothing(together: Callable[..., list[object]], standin: StandIn) -> None:
    for number in range(ROUNDS):
        user = User.objects.create_user(f"person{number}")
        conversation.record(ThreadRef(user, "shared" if not number else f"shared{number}"), "hello", uuid4())

        def ask(user: User = user) -> Erasure:
            return erasure.request(user, "op")

        together(*[speaker(user, each, number) for each in range(SPEAKERS)], ask)
        for thread_id in list(Thread.objects.values_list("pk", flat=True)):
            mirror.drain(thread_id)
        finish(Erasure.objects.get(user=user))

        assert not User.objects.exists()
        assert not Thread.objects.exists()
        assert not Message.objects.exists()
        assert standin.threads() == []


def test_requests_racing_are_one_erasure(together: Callable[..., list[object]]) -> None:
    for number in range(ROUNDS):
        user = User.objects.create_user(f"person{number}")

        def ask(user: User = user) -> Erasure:
            return erasure.request(user, "op")

        begun = together(*[ask] * SPEAKERS)

        assert len({each.receipt for each in begun if isinstance(each, Erasure)}) == 1
        assert Erasure.objects.filter(user=user).count() == 1


def test_a_thread_and_its_user_erased_at_once_are_both_gone(
    together: Callable[..., list[object]], standin: StandIn
) -> None:
    for number in range(ROUNDS):
        user = User.objects.create_user(f"person{number}")
        for name in ("a", "b"):
            conversation.record(ThreadRef(user, f"{name}{number}"), "kanarya", uuid4())
            mirror.drain(f"{name}{number}")

        together(
            lambda user=user, number=number: erasure.request_thread(user, f"a{number}", "op"),
            lambda user=user: erasure.request(user, "op"),
        )
        for each in Erasure.objects.exclude(state=Erasure.State.COMPLETED):
            assert finish(each).state == Erasure.State.COMPLETED

        assert not User.objects.exists()
        assert standin.threads() == []


def test_two_threads_whose_erasures_end_at_once_leave_the_others_free(
    together: Callable[..., list[object]], standin: StandIn, ayse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for the other to give the person's threads back, unless one of them comes first."""
    for name in ("a", "b", "stays"):
        conversation.record(ThreadRef(ayse, name), "hello", uuid4())
        mirror.drain(name)
    asked = [erasure.request_thread(ayse, name, "op") for name in ("a", "b")]
    for each in asked:
        progress.carry_out(each.pk)
    time_passes()
    both, tell_anew = Barrier(2), retelling.tell_anew

    def tell_anew_once_both_are_here(erasure: Erasure) -> None:
        with suppress(BrokenBarrierError):  # the other is kept out, as it should be
            both.wait(timeout=1)
        tell_anew(erasure)

    monkeypatch.setattr(retelling, "tell_anew", tell_anew_once_both_are_here)
    together(*[lambda each=each: progress.carry_out(each.pk) for each in asked])
    for each in asked:
        assert finish(each).state == Erasure.State.COMPLETED

    assert Thread.objects.get().lease_until is None
    mirror.drain("stays")
    assert standin.thread("stays").contents == ["hello"]
