"""One seeded run of the mirror under kills and faults, and what is left of it in the end.

The schedule comes from the seed alone; how the operating system interleaves it does not. Runs in a process of its own:
`run.py` starts it with the world's environment. Every run ends with the faults gone and everything drained; then the
checker says whether each accepted message is at Zep exactly once.
"""

import base64
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import redis
from django.db import connection

from assistant import conversation
from assistant.conversation import ThreadRef
from assistant.memory import dead_letters
from assistant.models import User
from assistant.replies.values import Reply
from assistant.tasks import drain_backlog, mirror_message
from tests.chaos.forks import POINTS, Fork, Stop
from tests.chaos.speech import CANARIES, redacted, sentence
from tests.chaos.world import World
from tests.support.invariants import Expectations, Report
from workers.sweep import sweep

TASKS: dict[str, Callable[..., None]] = {each.name: each for each in (mirror_message, drain_backlog, sweep)}
MIRROR, DRAIN, SWEEP = mirror_message.name, drain_backlog.name, sweep.name
PEOPLE, THREADS = 3, 6
TURNS_A_ROUND = 32
WAVES = 3  # of drainers in a round, after those that run while people speak
FINAL_ROUNDS = 80
Nudge = tuple[str, list[str]]

# Faults of Zep as a whole; what each leaves behind differs, what it must lead to does not.
OUTAGES: tuple[dict[str, Any], ...] = (
    {"kind": "reset"},
    {"kind": "hang"},
    {"kind": "store_then_500"},
    {"kind": "store_then_hang"},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 429, "retry_after": "1"},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 401},
    {"kind": "garbage"},
    {"kind": "empty"},
    {"kind": "drip"},
    {"kind": "delay", "delay_ms": 50},
)
REFUSALS = (400, 413, 422)
# Where a message is on its way over: these ends matter most.
CROSSINGS = ("before_prepared", "before_call", "zep_has_it", "before_marked", "marked")


@dataclass(frozen=True)
class Said:
    """One turn to take: `key` is what a duplicate of the request shares with it."""

    person: int
    thread: str
    client_msg_id: str
    text: str


@dataclass
class Outcome:
    """What a run did, and the checker's word about it."""

    report: Report
    did: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return self.report.as_json() | {"did": dict(self.did)}


class BarrierRun:
    """`messages` in all, half of them replies, in a few threads; children drain, die and stall as the seed says."""

    def __init__(self, world: World, seed: int, messages: int) -> None:
        self.world, self.random, self.messages = world, Random(seed), messages  # noqa: S311  # a schedule, not a secret
        self.did: Counter[str] = Counter()
        self.may_die: set[str] = set()
        self.threads = [f"{seed}-{number}" for number in range(THREADS)]
        self.nudges: list[Nudge] = []
        self._said = 0

    def run(self) -> Outcome:
        Fork(make_people).result()
        while self._said < self.messages:
            self._round()
        self._finish()
        expected = Expectations(redacted=redacted, may_die=frozenset(self.may_die), canaries=CANARIES)
        return Outcome(self.world.check(expected), self.did)

    def _round(self) -> None:
        self.did["rounds"] += 1
        self._let_faults_come_and_go()
        turns = self._turns()
        speakers = [Fork(lambda share=share: speak(share)) for share in self._shares(turns)]  # type: ignore[misc]
        drainers = [self._drainer() for _ in range(self.random.randint(1, 2))]
        for fork in speakers:
            self.did.update(fork.result())
        self._let_them_end(drainers)
        self.nudges += [(MIRROR, [turn.client_msg_id]) for turn in turns]
        for _ in range(WAVES):
            self._let_time_pass()
            self._let_them_end([self._drainer() for _ in range(self.random.randint(1, 2))])
        self.nudges = self._published()

    # What is said

    def _turns(self) -> list[Said]:
        count = min(TURNS_A_ROUND, (self.messages - self._said + 1) // 2)
        self._said += 2 * count
        return [self._turn() for _ in range(count)]

    def _turn(self) -> Said:
        number = self.random.randrange(len(self.threads))
        text = sentence(self.random, self.random.randrange(10_000))
        return Said(number % PEOPLE, self.threads[number], str(uuid.UUID(int=self.random.getrandbits(128))), text)

    def _shares(self, turns: list[Said]) -> Iterator[list[Said]]:
        """Two speakers; some requests are sent by both of them, as impatient clients do."""
        twice = [turn for turn in turns if self.random.random() < 0.2]
        self.did["requests_repeated"] += len(twice)
        yield [*turns[::2], *twice]
        yield [*turns[1::2], *twice]

    # Who drains

    def _drainer(self) -> tuple[Fork, Stop | None]:
        """A worker with a share of the nudges: some twice, in any order; it may have its end before it."""
        work = self.random.choices(self.nudges, k=min(len(self.nudges), 10)) if self.nudges else []
        work += [(DRAIN, []), (SWEEP, [])]
        self.random.shuffle(work)
        stop = None
        if self.random.random() < 0.9:
            point = self.random.choice([*POINTS, *CROSSINGS, *CROSSINGS])
            stop = Stop(point, self.random.choice((1, 1, 1, 2, 3)), stalls=self.random.random() < 0.3)
        return Fork(lambda: perform(work), stop), stop

    def _let_them_end(self, drainers: list[tuple[Fork, Stop | None]]) -> None:
        """Whoever stalls loses the lease while others go on; then it wakes and must change nothing."""
        stalled = []
        for fork, stop in drainers:
            if stop is not None and stop.stalls and fork.wait_until_stalled_or_ended():
                stalled.append(fork)
                self.did[f"stalled_{stop.point}"] += 1
            else:
                self._ended(fork, stop)
        if stalled:
            self.world.time_passes()
            self._ended(Fork(lambda: perform([*self.nudges[:10], (DRAIN, [])])), None)
        for fork in stalled:
            fork.go_on()
            self._ended(fork, None)

    def _ended(self, fork: Fork, stop: Stop | None) -> None:
        did = fork.result()
        if did is None and stop is not None:
            self.did["killed"] += 1
            self.did[f"killed_{stop.point}"] += 1
        self.did.update(did or {})

    def _published(self) -> list[Nudge]:
        """What was published meanwhile, taken from the broker; now and then all of it is lost."""
        with closing(redis.Redis.from_url(self.world.redis.url, decode_responses=True)) as client:
            messages = [json.loads(message) for message in client.lrange("mirror", 0, -1)]
            client.delete("mirror")
            if self.random.random() < 0.1:
                self.did["redis_flushed"] += 1
                client.flushall()
                return []
        return [
            (message["headers"]["task"], json.loads(base64.b64decode(message["body"]))[0])
            for message in self.random.sample(messages, min(len(messages), 10))
        ]

    # What Zep does, and time

    def _let_faults_come_and_go(self) -> None:
        if self.random.random() < 0.25:
            self.world.standin.clear()
        for _ in range(self.random.randint(0, 2)):
            fault = dict(self.random.choice(OUTAGES))
            self.did[f"fault_{fault['kind']}{fault.get('status', '')}"] += 1
            route = self.random.choice(("write", "write", "read", "any"))
            self.world.standin.fault(fault.pop("kind"), route=route, count=self.random.randint(1, 3), **fault)
        if self.random.random() < 0.25:
            self._refuse_one_thread()

    def _refuse_one_thread(self) -> None:
        """Zep refuses what one thread says for a while: that may cost it a message, and nobody else anything."""
        status = self.random.choice(REFUSALS)
        path = f"/sessions/{self.random.choice(self.threads)}/memory"
        self.did["fault_refusal"] += 1
        self.may_die.add(f"http_{status}")
        self.world.standin.fault("status", route="write", status=status, path=path, count=self.random.randint(4, 20))

    def _let_time_pass(self) -> None:
        for passes in (self.world.leases_end, self.world.threads_come_due, self.world.a_minute_passes_in_redis):
            if self.random.random() < 0.8:
                passes()

    # The end

    def _finish(self) -> None:
        """Faults end; dead letters are replayed as an operator does; sweeps and drainers do the rest."""
        self.world.standin.clear()
        self._drain_all()
        self.did["buried"] = Fork(replay_dead_letters).result()
        self._drain_all()

    def _drain_all(self) -> None:
        for _ in range(FINAL_ROUNDS):
            if not self.world.waiting():
                return
            self.did["final_rounds"] += 1
            self.world.time_passes()
            self._ended(Fork(lambda: perform([(SWEEP, []), (DRAIN, []), *self._published()])), None)


# In the children


def make_people() -> None:
    for number in range(PEOPLE):
        User.objects.create(username=f"person{number}")


def speak(turns: list[Said]) -> dict[str, int]:
    """Store the turns, as the web process does."""
    people = list(User.objects.order_by("pk"))
    did: Counter[str] = Counter()
    for turn in turns:
        said = conversation.record(
            ThreadRef(people[turn.person], turn.thread), turn.text, uuid.UUID(turn.client_msg_id)
        )
        if said.reply is None:
            conversation.record_reply(said, Reply(f"re: {turn.text.split()[0]}", "general"), {})
        did["requests"] += 1
    return did


def perform(work: list[Nudge]) -> dict[str, int]:
    """Run tasks as a worker does; one that fails is noted, and the next one runs."""
    did: Counter[str] = Counter()
    for name, arguments in work:
        try:
            TASKS[name](*arguments)
        except Exception as error:  # noqa: BLE001  # what a worker does with a task's error
            did[f"task_error_{type(error).__name__}"] += 1
        did["tasks"] += 1
        with suppress(Exception):
            connection.close()
    return did


def replay_dead_letters() -> int:
    """Send every dead letter again; how many there were."""
    return sum(len(rows) for rows in dead_letters.replay(dead_letters.Filter(), actor="chaos", limit=10_000))
