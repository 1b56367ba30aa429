"""One seeded run with real `celery worker` processes: killed under load, their broker restarted, flushed, Zep failing.

Turns are taken as the web process takes them, nudges included. Random moments are moments in Zep's log: an action
strikes when so many more requests have arrived there.
"""

import asyncio
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from django.db import connections

from assistant.conversation import ThreadRef
from assistant.models import User
from assistant.turns import take_turn
from ops.free_port import free_port
from ops.waiting import wait_until
from tests.chaos.driver import (
    OUTAGES,
    PEOPLE,
    REFUSALS,
    SWEEP,
    Outcome,
    Said,
    make_people,
    perform,
    replay_dead_letters,
)
from tests.chaos.forks import Fork
from tests.chaos.speech import CANARIES, redacted, sentence
from tests.chaos.world import World
from tests.support.invariants import Expectations
from tests.support.processes import ChildProcess, answers_ok, command_of

WORKERS = 2
THREADS = 6
TURNS_AT_ONCE = 25
MOMENT_SECONDS = 1.5
QUIET_SECONDS = 240.0
KEPT = "CHAOS_LOGS"  # a folder where the workers' logs are kept for a person to read
FAILURE = re.compile(r"\b(Unrecoverable error|PoolTimeout|Task [\w.]+\[[\w-]+\] raised)")


class ProcessRun:
    """Two workers race over a few threads and die; the sweep makes good what was lost with them and the broker."""

    def __init__(self, world: World, seed: int, messages: int) -> None:
        self.world, self.random, self.messages = world, Random(seed), messages  # noqa: S311  # a schedule, not a secret
        self.did: Counter[str] = Counter()
        self.may_die: set[str] = set()
        self.threads = [f"p{seed}-{number}" for number in range(THREADS)]
        printed = world.folder / "printed"
        printed.mkdir()
        self.workers = [self._worker(number, printed) for number in range(WORKERS)]

    def _worker(self, number: int, logs: Path) -> ChildProcess:
        port = str(free_port())
        command = [part.replace("worker@", f"worker{number}@") for part in command_of("worker")]
        environment = self.world.environment | {"WORKER_METRICS_PORT": port}
        address = f"http://127.0.0.1:{port}/metrics"
        return ChildProcess(f"worker{number}", command, environment, logs, lambda: answers_ok(address))

    def run(self) -> Outcome:
        try:
            Fork(make_people).result()
            self._start()
            said = 0
            while said < self.messages:
                count = min(TURNS_AT_ONCE, (self.messages - said + 1) // 2)
                self._round([self._turn() for _ in range(count)])
                said += 2 * count
            self._finish()
        finally:
            for worker in self.workers:
                worker.kill()
        logs = [worker.log for worker in self.workers]
        if KEPT in os.environ:
            shutil.copytree(logs[0].parent, Path(os.environ[KEPT], str(self.threads[0])), dirs_exist_ok=True)
        for path in logs:
            self.did.update(f"log_{name.split()[0]}" for name in FAILURE.findall(path.read_text(errors="replace")))
        expected = Expectations(redacted=redacted, may_die=frozenset(self.may_die), canaries=CANARIES)
        written = (self.world.folder / "logs").glob("*.log*")
        return Outcome(self.world.check(expected, *logs, *written), self.did)

    def _turn(self) -> Said:
        number = self.random.randrange(len(self.threads))
        text = sentence(self.random, self.random.randrange(10_000))
        return Said(number % PEOPLE, self.threads[number], str(uuid.UUID(int=self.random.getrandbits(128))), text)

    def _round(self, turns: list[Said]) -> None:
        self.did["rounds"] += 1
        self._start(wait=False)
        self._let_faults_come_and_go()
        twice = [turn for turn in turns if self.random.random() < 0.2]
        shares = [turns[::2] + twice, turns[1::2] + twice]
        speakers = [Fork(lambda share=share: take_turns(share)) for share in shares]  # type: ignore[misc]
        self._at_some_moment(self.random.choice(self.actions))
        if self.random.random() < 0.5:
            self._at_some_moment(self.random.choice(self.actions))
        for fork in speakers:
            self.did.update(fork.result())
        self._sweep()

    # What happens

    @property
    def actions(self) -> list[Callable[[], None]]:
        return [self._kill_one, self._kill_one, self._kill_all, self._restart_broker, self._lose_broker, self._sweep]

    def _at_some_moment(self, act: Callable[[], None]) -> None:
        moment = self.world.standin.last_n() + self.random.randint(1, 12)
        try:
            wait_until(lambda: self.world.standin.last_n() >= moment, "a moment", seconds=MOMENT_SECONDS)
        except AssertionError:
            self.did["moments_missed"] += 1
        act()

    def _kill_one(self) -> None:
        self._kill(self.random.choice(self.workers))

    def _kill_all(self) -> None:
        for worker in self.workers:
            self._kill(worker)

    def _kill(self, worker: ChildProcess) -> None:
        self.did["killed"] += worker.is_running
        worker.kill()

    def _restart_broker(self) -> None:
        self.did["broker_restarted"] += 1
        self.world.redis.stop()
        self.world.redis.start()

    def _lose_broker(self) -> None:
        self.did["redis_flushed"] += 1
        self.world.flush_redis()

    def _sweep(self) -> None:
        """What beat does each ten seconds, and the time until then."""
        self.world.time_passes()
        self.did.update(Fork(lambda: perform([(SWEEP, [])])).result())

    def _let_faults_come_and_go(self) -> None:
        self.world.standin.clear()
        for _ in range(self.random.randint(0, 2)):
            fault = dict(self.random.choice(OUTAGES))
            self.did[f"fault_{fault['kind']}{fault.get('status', '')}"] += 1
            route = self.random.choice(("write", "write", "read", "any"))
            self.world.standin.fault(fault.pop("kind"), route=route, count=self.random.randint(1, 6), **fault)
        if self.random.random() < 0.2:
            status = self.random.choice(REFUSALS)
            path = f"/sessions/{self.random.choice(self.threads)}/memory"
            self.did["fault_refusal"] += 1
            self.may_die.add(f"http_{status}")
            self.world.standin.fault(
                "status", route="write", status=status, path=path, count=self.random.randint(4, 20)
            )

    def _start(self, *, wait: bool = True) -> None:
        stopped = [worker for worker in self.workers if not worker.is_running]
        for worker in stopped:
            worker.kill()
            worker.launch()
        for worker in stopped if wait else []:
            worker.wait_until_up()

    # The end

    def _finish(self) -> None:
        self.world.standin.clear()
        self._start()
        self._drain_all()
        self.did["buried"] = Fork(replay_dead_letters).result()
        self._drain_all()

    def _drain_all(self) -> None:
        """Sweep by sweep, as long as messages wait."""

        def quiet() -> bool:
            if not self.world.waiting():
                return True
            self.did["final_sweeps"] += 1
            self._sweep()
            return not self.world.waiting()

        try:
            wait_until(quiet, "everything to be drained", seconds=QUIET_SECONDS)
        except AssertionError:
            self.did["never_quiet"] += 1  # the checker says what still waits


def take_turns(turns: list[Said]) -> dict[str, int]:
    """Take the turns as the web process does, a few at once."""
    did: Counter[str] = Counter()

    async def take_all() -> None:
        people = [person async for person in User.objects.order_by("pk")]
        at_once = asyncio.Semaphore(4)

        async def take(said: Said) -> None:
            async with at_once:
                await take_turn(ThreadRef(people[said.person], said.thread), said.text, uuid.UUID(said.client_msg_id))
            did["requests"] += 1

        await asyncio.gather(*(take(said) for said in turns))

    asyncio.run(take_all())
    connections.close_all()
    return did
