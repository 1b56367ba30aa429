"""Zep is away for hours while messages wait. Time is passed in: a wait ends by being moved into the past.

One hour and 2,000 messages by default; with `-m chaos` ten hours and 20,000 messages, which takes minutes.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import redis as redis_py
from django.db import connection
from django.utils import timezone

from assistant import conversation, loops
from assistant.conversation import ThreadRef
from assistant.memory import backlog, mirror, outbox, write_hold
from assistant.models import Message, MirrorState, Thread, User, zep_message_id
from assistant.tasks import mirror_message
from ops.zep_standin.process import StandIn
from tests.chaos.speech import CANARIES, EMAILS, redacted
from tests.chaos.world import A_MINUTE_PASSES, KEYS
from tests.support import environment, invariants
from tests.support.invariants import Expectations

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_server"),
]


@dataclass(frozen=True)
class Outage:
    hours: int
    threads: int
    messages: int

    def __str__(self) -> str:
        return f"{self.hours}-hours-{self.messages}-messages"


OUTAGES = [
    Outage(hours=1, threads=40, messages=2_000),
    pytest.param(Outage(hours=10, threads=200, messages=20_000), marks=[pytest.mark.chaos, pytest.mark.timeout(1_800)]),
]


@pytest.fixture(params=OUTAGES, ids=str)
def outage(request: pytest.FixtureRequest) -> Outage:
    return cast(Outage, request.param)


@pytest.fixture
def waiting(outage: Outage, ayse: User, standin: StandIn) -> dict[str, list[UUID]]:
    """The messages of all that time, none of them at Zep; ids by thread, in order."""
    began = timezone.now() - timedelta(hours=outage.hours)
    share = outage.messages // outage.threads
    ids = {f"w{number}": [uuid4() for _ in range(share)] for number in range(outage.threads)}
    Thread.objects.bulk_create(
        Thread(id=thread_id, user=ayse, last_sequence=share, mirror_due_at=began) for thread_id in ids
    )
    Message.objects.bulk_create(
        (
            Message(
                user=ayse,
                thread_id=thread_id,
                sequence=sequence,
                client_msg_id=client_msg_id,
                role=Message.Role.USER,
                text=f"m{sequence} mail {EMAILS[sequence % len(EMAILS)]} please",
                created_at=began + timedelta(seconds=sequence),
            )
            for thread_id, thread_ids in ids.items()
            for sequence, client_msg_id in enumerate(thread_ids, start=1)
        ),
        batch_size=2_000,
    )
    return ids


def hold() -> write_hold.HoldState:
    return loops.run(write_hold.state())


def time_passes() -> None:
    """The wait for the next canary, in the cluster and in the threads."""
    with closing(redis_py.Redis.from_url(environment.ENVIRONMENT["REDIS_URL"])) as client:
        client.eval(A_MINUTE_PASSES, len(KEYS), *KEYS)
    Thread.objects.filter(mirror_due_at__gt=timezone.now()).update(mirror_due_at=timezone.now())


def states() -> dict[str, int]:
    counted: dict[str, int] = {}
    for state in Message.objects.values_list("mirror_state", flat=True):
        counted[state] = counted.get(state, 0) + 1
    return counted


def hours_without_zep(hours: int, waiting: dict[str, list[UUID]]) -> int:
    """Sweep, canary, wait, again and again; how many canaries there were."""
    nudges = cycle([client_msg_id for ids in waiting.values() for client_msg_id in ids])
    passed, canaries = 0.0, 0
    while passed < hours * 3600:
        for _ in range(max(1, backlog.drainers_wanted())):
            backlog.run_drainer(start_more=lambda _: None)
        canaries += 1
        for client_msg_id in (next(nudges), next(nudges), next(nudges)):
            mirror_message(str(client_msg_id))
        state = hold()
        passed += max(state.until - state.now, 1.0)
        time_passes()
    return canaries


def drain_with(drainers: int) -> None:
    """So many drainers side by side, each starting anew as long as it leaves something; as worker slots do."""

    def drain() -> None:
        try:
            while outbox.waiting_threads(timedelta(0), 1):
                backlog.run_drainer(start_more=lambda _: None)
        finally:
            connection.close()

    with ThreadPoolExecutor(drainers) as pool:
        for ended in [pool.submit(drain) for _ in range(drainers)]:
            ended.result()


def ramp(seconds: int) -> list[int]:
    """How many drainers may run so many seconds, and fewer, after the recovery; the cluster's clock is moved."""
    allowed = []
    with closing(redis_py.Redis.from_url(environment.ENVIRONMENT["REDIS_URL"])) as client:
        recovered = float(client.get(write_hold.RECOVERED_KEY) or 0)
        for second in range(seconds):
            now = hold().now
            client.set(write_hold.RECOVERED_KEY, f"{now - second - 0.3:.6f}")
            allowed.append(backlog.drainers_wanted())
        client.set(write_hold.RECOVERED_KEY, f"{recovered:.6f}")
    return allowed


def entry_of(standin: StandIn, after: int, sent: str) -> int:
    """The number of the log entry that brought a message."""
    return next(int(entry["n"]) for entry in standin.log(after) if sent in (entry.get("message_uuids") or ()))


def test_hours_without_zep_cost_no_message_and_few_calls_and_the_backlog_drains_slowly_then_fully(
    outage: Outage, waiting: dict[str, list[UUID]], standin: StandIn, ayse: User, own_database_url: str
) -> None:
    standin.fault("status", route="any", status=503)
    before = standin.last_n()

    canaries = hours_without_zep(outage.hours, waiting)

    calls = len(standin.log(before))
    assert states().keys() <= {MirrorState.PENDING, MirrorState.IN_FLIGHT}
    assert sum(states().values()) == outage.messages
    assert calls <= canaries + write_hold.FAILURES_THAT_HOLD
    assert calls < 2 * outage.hours * 60  # less than two calls a minute, whatever waits and whoever nudges

    standin.clear()
    first = mirror.drain(outbox.waiting_threads(timedelta(0), 1)[0])
    assert first.recovered
    assert not hold().is_on
    assert ramp(5) == [1, 2, 4, 8, 8]

    time_passes()
    with draining(8):
        live, at = says_something(ayse, "live"), standin.last_n()
        mirror_message(str(live))
    came_at = entry_of(standin, at, str(zep_message_id("live", live)))
    assert Message.objects.get(client_msg_id=live).mirror_state == MirrorState.MIRRORED
    assert came_at - at < 60  # calls of the backlog's drainers; it did not queue behind them

    report = invariants.check(
        standin,
        own_database_url,
        Expectations(redacted=redacted, canaries=CANARIES[:3], after=before),
        redis_url=environment.ENVIRONMENT["REDIS_URL"],
    )
    assert report.ok, str(report)
    assert report.counts["mirrored"] == outage.messages + 1


class draining:  # noqa: N801  # reads as a phrase
    """The backlog is being drained in the block; at its end it has been."""

    def __init__(self, drainers: int) -> None:
        self._thread = threading.Thread(target=drain_with, args=(drainers,))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: Any) -> None:
        self._thread.join()


def says_something(person: User, thread_id: str) -> UUID:
    client_msg_id = uuid4()
    conversation.record(ThreadRef(person, thread_id), "hello", client_msg_id)
    return client_msg_id
