"""Many users at once against real web processes: the roll-out's floors for answers, time and memory.

Not part of the default suite: `make test-stress`, or `pytest tests/stress_test_concurrent.py -s`. Nothing is left out
of a scenario: every request counts, the first ones too. What is asserted is what users are promised at the least; the
figures that are printed are what this machine did.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ops.waiting import wait_until
from tests.acceptance import fixtures
from tests.acceptance.system import System
from tests.support.processes import ROOT

USERS = 100
MEGABYTE = 1024 * 1024
GIVE_UP_SECONDS = 60.0
MIRRORED_SECONDS = 300.0
# Growth below this is the allocator's, not a leak's: pages come in pieces, and two web processes take turns.
NOISE_MB = 10.0
SAID = "need a 2 bedroom in girne under 700 gbp"
pytestmark = pytest.mark.timeout(900)

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=2, patient=False)


@pytest.fixture(scope="module")
def tokens(running_system: System) -> list[str]:
    """A hundred people's."""
    issue = (
        "import django; django.setup()\n"
        "from assistant import tokens\nfrom assistant.models import User\n"
        f"for n in range({USERS}): print(tokens.issue(User.objects.create_user(f'stress-{{n}}')))"
    )
    environment = running_system.environment | {"DJANGO_SETTINGS_MODULE": "easy_islanders.settings"}
    done = subprocess.run(
        [sys.executable, "-c", issue], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()[-USERS:]


@dataclass(frozen=True)
class Floor:
    """What so many users, with so many requests each, are promised at the least."""

    users: int
    each: int
    ok_share: float
    mean_seconds: float
    growth_mb: float


FLOORS = (Floor(10, 5, 0.90, 1.0, 100), Floor(50, 3, 0.85, 2.0, 200), Floor(100, 2, 0.70, 5.0, 500))


@dataclass(frozen=True)
class Answered:
    """One request as its user saw it; status 0 where no answer came."""

    status: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a scenario came to."""

    answers: list[Answered]
    seconds: float
    growth_mb: float

    @property
    def ok_share(self) -> float:
        return sum(answer.status == 200 for answer in self.answers) / len(self.answers)

    @property
    def mean_seconds(self) -> float:
        return sum(answer.seconds for answer in self.answers) / len(self.answers)

    def tell(self, scenario: str) -> None:
        times = sorted(answer.seconds for answer in self.answers)
        sys.stdout.write(
            f"\n{scenario}: {len(times)} requests in {self.seconds:.1f} s, {100 * self.ok_share:.1f} % ok, "
            f"mean {1000 * self.mean_seconds:.0f} ms, p95 {1000 * times[int(len(times) * 0.95)]:.0f} ms, "
            f"growth {self.growth_mb:+.1f} MB"
        )


def stress(system: System, tokens: Iterable[str], each: int, *, at_once: bool = False) -> Outcome:
    """Let every token's user send so many messages: one after another, or all `at_once`."""
    before, started = memory_mb(system), time.monotonic()
    answers = asyncio.run(_all(f"{system.web_url}/api/chat/", list(tokens), each, at_once=at_once))
    return Outcome(answers, time.monotonic() - started, memory_mb(system) - before)


async def _all(url: str, tokens: list[str], each: int, *, at_once: bool) -> list[Answered]:
    unlimited = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=GIVE_UP_SECONDS, limits=unlimited, trust_env=False) as http:

        async def talk(token: str, messages: int) -> list[Answered]:
            return [await _say(http, url, token) for _ in range(messages)]

        talks = (
            [talk(token, 1) for token in tokens for _ in range(each)] if at_once else [talk(t, each) for t in tokens]
        )
        return [answer for answers in await asyncio.gather(*talks) for answer in answers]


async def _say(http: httpx.AsyncClient, url: str, token: str) -> Answered:
    started = time.perf_counter()
    try:
        response = await http.post(url, json={"message": SAID}, headers={"Authorization": f"Bearer {token}"})
    except httpx.HTTPError:
        return Answered(0, time.perf_counter() - started)
    is_answer = response.status_code == 200 and response.json()["ok"]
    return Answered(200 if is_answer else response.status_code or 1, time.perf_counter() - started)


def memory_mb(system: System) -> float:
    """Resident memory of the web's processes together."""
    assert system.web.pid is not None
    return sum(map(_resident, _with_children(system.web.pid))) / MEGABYTE


def _with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in children for each in _with_children(int(child)))]


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def test_sustained_load_does_not_grow_memory(running_system: System, tokens: list[str]) -> None:
    """First of all, so that its first batch pays for what any first batch pays for."""
    batches = [stress(running_system, tokens[:20], 5) for _ in range(5)]
    for number, batch in enumerate(batches, start=1):
        batch.tell(f"sustained, batch {number} of 20 users x 5")

    first, last = batches[0], batches[-1]
    assert sum(len(batch.answers) for batch in batches) == 500
    assert last.growth_mb < 2 * max(first.growth_mb, NOISE_MB)
    assert min(batch.ok_share for batch in batches) > 0.9


@pytest.mark.parametrize("floor", FLOORS, ids=lambda floor: f"{floor.users} users x {floor.each}")
def test_many_users_at_once(running_system: System, tokens: list[str], floor: Floor) -> None:
    outcome = stress(running_system, tokens[: floor.users], floor.each)
    outcome.tell(f"{floor.users} users x {floor.each}")

    assert len(outcome.answers) == floor.users * floor.each
    assert outcome.ok_share > floor.ok_share
    assert outcome.mean_seconds < floor.mean_seconds
    assert outcome.growth_mb < floor.growth_mb


def test_rapid_fire_of_one_user(running_system: System, tokens: list[str]) -> None:
    outcome = stress(running_system, tokens[:1], 100, at_once=True)
    outcome.tell("rapid fire of one user")

    assert len(outcome.answers) == 100
    assert outcome.ok_share > 0.9
    assert outcome.seconds < 60


def test_afterwards_every_message_is_at_zep_and_none_was_given_up(running_system: System) -> None:
    def states() -> dict[str, int]:
        rows = running_system.database.query(
            "SELECT mirror_state, COUNT(*) AS n FROM assistant_message GROUP BY mirror_state"
        )
        return {row["mirror_state"]: row["n"] for row in rows}

    wait_until(lambda: list(states()) == ["mirrored"], "every message to be mirrored", seconds=MIRRORED_SECONDS)

    held = sum(thread["message_count"] for thread in running_system.standin.threads())
    assert held == states()["mirrored"]
