"""Fixtures that every suite shares: the real servers, a clean slate for each test, and users."""

import math
import os
from collections.abc import AsyncIterator, Iterator

import hypothesis
import pytest
import redis

from assistant import events, loops, tokens
from assistant.archive import summaries
from assistant.events import Event
from assistant.memory import guard
from assistant.memory.guard_scripts import EPOCH_KEY, INITIALISED_KEY
from assistant.models import User
from assistant.publishing import breaker
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.acceptance.database import Template
from tests.support import environment, patience

# How long an example takes, or to make one, says nothing about the code on a busy machine.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
# A gate must say the same thing twice about the same code; new examples are for those who change it.
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("patient"), derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "patient")


@pytest.fixture(scope="session", autouse=True)
def _patience() -> Iterator[None]:
    with patience.patient():
        yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bounds as in production, for what meets something that hangs; clients take theirs when they are made."""
    patience.hurry(monkeypatch)
    loops.run(loops.aclose())
    yield
    loops.run(loops.aclose())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The database that every system of processes gets a copy of."""
    return Template.made_in(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def redis_session() -> Iterator[RedisProcess]:
    server = RedisProcess(environment.LOCAL_DIR / "redis", environment.REDIS_PORT).start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(redis_session: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisProcess]:
    """The real Redis with the guard's first state alone, running again after a test that stopped or froze it."""
    client = redis.Redis.from_url(redis_session.url)
    client.flushall()
    client.mset({INITIALISED_KEY: 1, EPOCH_KEY: 1})
    client.close()
    for met_by_an_earlier_test in ("_last_failure", "_unheard_until"):
        monkeypatch.setattr(guard, met_by_an_earlier_test, -math.inf)
    monkeypatch.setattr(summaries, "_left_alone_until", 0.0)
    breaker.succeeded()  # an earlier test may have stopped the broker
    before = redis_session.interruptions
    yield redis_session
    redis_session.thaw()
    if not redis_session.is_running:
        redis_session.start()
    if redis_session.interruptions != before:
        loops.run(loops.aclose())  # links that met it leave it alone for a while, which the next test would notice


@pytest.fixture(scope="session")
def zep_session() -> Iterator[StandIn]:
    with StandIn(api_key=environment.ZEP_API_KEY, port=environment.ZEP_PORT) as standin:
        yield standin


@pytest.fixture
def standin(zep_session: StandIn) -> Iterator[StandIn]:
    """The real Zep stand-in without data or faults, and running again after a test that stopped it."""
    zep_session.clear()
    zep_session.empty()
    yield zep_session
    zep_session.clear()


@pytest.fixture
def ayse(db: None) -> User:
    return User.objects.create_user("ayse")


@pytest.fixture
def token(ayse: User) -> str:
    return tokens.issue(ayse)


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What the logic announces during the test."""
    heard: list[Event] = []
    monkeypatch.setattr(events, "_observers", [heard.append])
    return heard


@pytest.fixture(autouse=True)
async def _clients_are_closed() -> AsyncIterator[None]:
    """Each test has an event loop of its own; its clients end with it."""
    yield
    await loops.aclose()
