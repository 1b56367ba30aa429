"""Users who talk to a web server over HTTP, each waiting for the answer before the next turn. Knows HTTP only."""

import asyncio
import math
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp

SAID = "under 700 gbp"
GIVE_UP_SECONDS = 5


@dataclass
class Speaker:
    """A user, and the threads they talk in, one turn in each, then again from the first."""

    token: str
    threads: Sequence[str]
    turns: int = 0

    def next_thread(self) -> str:
        self.turns += 1
        return self.threads[(self.turns - 1) % len(self.threads)]


@dataclass(frozen=True)
class Answered:
    """A turn as its user saw it. `at`: when it was said, in epoch seconds. `status` is 0 where no answer came."""

    speaker: int
    at: float
    seconds: float
    status: int
    memory: Mapping[str, Any]


@dataclass
class Conversation:
    """Many users at once. `pause`: seconds from one turn's beginning to the next one's, drawn between the two."""

    url: str
    speakers: Sequence[Speaker]
    pause: tuple[float, float]
    ends_at: float = math.inf
    answers: list[Answered] = field(default_factory=list)

    async def run(self, seconds: float = math.inf) -> list[Answered]:
        """Talk for so long, or until `ends_at` is moved into the past."""
        self.ends_at = time.monotonic() + seconds
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=GIVE_UP_SECONDS),
        ) as http:
            await asyncio.gather(*(self._talk(http, number) for number in range(len(self.speakers))))
        return self.answers

    async def _talk(self, http: aiohttp.ClientSession, number: int) -> None:
        wait = random.uniform(0, self.pause[0])  # noqa: S311  # who begins when is no secret
        while time.monotonic() + wait < self.ends_at:
            await asyncio.sleep(wait)
            turn = await self._turn(http, number)
            self.answers.append(turn)
            wait = max(0.0, random.uniform(*self.pause) - turn.seconds)  # noqa: S311  # see above

    async def _turn(self, http: aiohttp.ClientSession, number: int) -> Answered:
        speaker, at, started = self.speakers[number], time.time(), time.perf_counter()
        said = {"message": SAID, "thread_id": speaker.next_thread(), "client_msg_id": str(uuid4())}
        headers = {"Authorization": f"Bearer {speaker.token}"}
        try:
            async with http.post(f"{self.url}/api/chat/", json=said, headers=headers) as response:
                answer = await response.json()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            answer, status = {}, 0
        took = time.perf_counter() - started
        return Answered(number, at, took, status, answer.get("trace", {}).get("memory", {}))
