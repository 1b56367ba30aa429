"""Races between processes, by name: `python -m tests.chaos.scenarios NAME…` in a world's environment.

Forked children start at the same moment; what they saw is printed as one line of JSON for the tests to judge.
"""

import asyncio
import json
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import django

django.setup()

from django.db import connections  # noqa: E402  # Django is set up above

from assistant.conversation import ThreadRef  # noqa: E402
from assistant.models import User  # noqa: E402
from assistant.turns import take_turn  # noqa: E402
from tests.chaos.driver import DRAIN, MIRROR, SWEEP, perform  # noqa: E402
from tests.chaos.forks import Fork, Stop  # noqa: E402

Json = Any
RACERS = 6
START_SECONDS = 0.3
# Where a worker may stall while another takes its thread over: each on another side of the call to Zep.
STALLS = ("lease_taken", "before_call", "zep_has_it", "before_marked", "marked", "before_release")
Request = tuple[str | None, str, str]


def identical_requests(thread_id: str | None = None) -> Json:
    """One request, sent by everybody at once."""
    return race([[(thread_id, str(uuid.uuid4()), "the same words")]] * RACERS)


def identical_requests_in_a_new_thread() -> Json:
    """One request for a thread that does not exist yet, sent by everybody at once."""
    return identical_requests(new_thread())


def new_thread_raced() -> Json:
    """Different first messages of one new thread, each sent twice."""
    thread_id = new_thread()
    requests: list[Request] = [(thread_id, str(uuid.uuid4()), f"first {number}") for number in range(RACERS // 2)]
    return race([[request] for request in requests * 2])


def twenty_turns_in_one_thread() -> Json:
    """Four processes with five turns at once each, all in one thread; three more drain it meanwhile."""
    thread_id = new_thread()
    requests: list[list[Request]] = [
        [(thread_id, str(uuid.uuid4()), f"turn {process}.{number}") for number in range(5)] for process in range(4)
    ]
    nudges = [(MIRROR, [request[1]]) for share in requests for request in share]
    drainers = [Fork(lambda: perform([*nudges, *nudges])) for _ in range(3)]
    answers = race(requests)
    for drainer in drainers:
        drainer.result()
    return answers


def lease_takeovers() -> Json:
    """What became of a takeover at each of the points."""
    return {point: lease_takeover(point) for point in STALLS}


def lease_takeover(point: str) -> Json:
    """A worker stalls at `point` until its lease has ended and another has done its work; then it goes on."""
    thread_id, ids = new_thread(), [str(uuid.uuid4()) for _ in range(3)]
    answers = race([[(thread_id, client_msg_id, f"say {number}")] for number, client_msg_id in enumerate(ids)])
    stale = Fork(lambda: perform([(MIRROR, [ids[0]])]), Stop(point, stalls=True))
    assert stale.wait_until_stalled_or_ended(), f"never came to {point}"
    Fork(let_time_pass).result()
    Fork(lambda: perform([(MIRROR, [ids[1]]), (DRAIN, [])])).result()
    stale.go_on()
    errors = [name for name in stale.result() if name.startswith("task_error")]
    return {"thread_id": thread_id, "failed": errors + [answer for answer in answers if "error" in answer]}


def one_sweep() -> Json:
    """What beat does each ten seconds."""
    return Fork(lambda: perform([(SWEEP, [])])).result()


def race(requests: Sequence[Sequence[Request]]) -> list[Json]:
    """Take the turns, one process for each share of them, all at the same moment; all answers."""
    starts_at = time.monotonic() + START_SECONDS
    forks = [Fork(lambda share=share: take_all(share, starts_at)) for share in requests]  # type: ignore[misc]
    return [answer for fork in forks for answer in fork.result()]


def take_all(requests: Sequence[Request], starts_at: float) -> list[Json]:
    person = User.objects.get_or_create(username="racer")[0]
    threading.Event().wait(max(0.0, starts_at - time.monotonic()))

    async def take() -> list[Json]:
        return await asyncio.gather(*(answered(person, *request) for request in requests))

    try:
        return asyncio.run(take())
    finally:
        connections.close_all()


async def answered(person: User, thread_id: str | None, client_msg_id: str, text: str) -> Json:
    """The turn's answer, or the name of the error that the client would see as a 500."""
    try:
        turn = await take_turn(ThreadRef(person, thread_id), text, uuid.UUID(client_msg_id))
    except Exception as error:  # noqa: BLE001  # what the web process answers with a 500
        return {"error": type(error).__name__}
    return {
        "thread_id": turn.thread_id,
        "client_msg_id": str(turn.client_msg_id),
        "reply": str(turn.reply.client_msg_id),
        "text": turn.reply.text,
        "replayed": turn.replayed,
    }


def let_time_pass() -> None:
    """Every lease and every wait has ended."""
    from assistant.models import Thread  # noqa: PLC0415  # only here

    Thread.objects.filter(lease_until__isnull=False).update(lease_until="2000-01-01T00:00:00Z")
    Thread.objects.filter(mirror_due_at__isnull=False).update(mirror_due_at="2000-01-01T00:00:00Z")


def new_thread() -> str:
    return uuid.uuid4().hex


SCENARIOS: dict[str, Callable[..., Json]] = {
    each.__name__: each
    for each in (
        identical_requests,
        identical_requests_in_a_new_thread,
        new_thread_raced,
        twenty_turns_in_one_thread,
        lease_takeovers,
        one_sweep,
    )
}

if __name__ == "__main__":
    Fork(lambda: User.objects.get_or_create(username="racer")[1]).result()
    sys.stdout.write(json.dumps({name: SCENARIOS[name]() for name in sys.argv[1:]}) + "\n")
