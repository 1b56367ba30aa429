"""`/api/me/facts/`: what Zep concluded, through the real application."""

import asyncio

import pytest
from pytest_django.fixtures import Settings

from assistant.database import in_database
from assistant.memory import guard, mirror
from ops.zep_standin.process import StandIn
from tests.personal_data.api.conftest import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


async def test_the_facts_held_are_shown(client: Client) -> None:
    await client.say("My budget is 612 pounds", thread_id="t1")
    await in_database(mirror.drain, "t1")

    held = (await client.ask("GET", "/api/me/facts/")).json()

    assert held["available"] is True
    assert any("612" in fact for fact in held["facts"])


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["hang", "reset", "garbage", "drip"])
async def test_zep_being_away_is_an_answer_in_time(client: Client, standin: StandIn, kind: str) -> None:
    await client.say("My budget is 612 pounds", thread_id="t1")
    await in_database(mirror.drain, "t1")
    standin.fault(kind, route="read")

    async with asyncio.timeout(60):
        answer = await client.ask("GET", "/api/me/facts/")

    assert answer.status_code == 200
    assert answer.json()["available"] is False
    assert answer.json()["reason"]


async def test_while_reads_are_off_nobody_asks_zep(client: Client, standin: StandIn) -> None:
    await guard.force("drill", "op", 60)
    before = standin.last_n()

    held = (await client.ask("GET", "/api/me/facts/")).json()

    assert held == {"available": False, "facts": [], "reason": "reads_are_off"}
    assert standin.log(before) == []


async def test_facts_can_not_be_asked_for_without_end(client: Client, settings: Settings) -> None:
    settings.FACTS_PER_MINUTE = 2

    answers = [await client.ask("GET", "/api/me/facts/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
