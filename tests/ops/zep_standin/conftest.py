"""One stand-in process for all tests here, emptied before each; clients of the real library over real HTTP."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from zep_python import Message
from zep_python.client import AsyncZep

from ops.waiting import PATIENCE_SECONDS
from ops.zep_standin.process import StandIn

Say = Callable[..., Message]


@pytest.fixture(scope="session")
def running_standin() -> Iterator[StandIn]:
    with StandIn() as standin:
        yield standin


@pytest.fixture
def standin(running_standin: StandIn) -> StandIn:
    running_standin.clear()
    running_standin.empty()
    return running_standin


@pytest.fixture
async def zep(standin: StandIn) -> AsyncIterator[AsyncZep]:
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        yield AsyncZep(base_url=standin.url, api_key=standin.api_key, timeout=PATIENCE_SECONDS, httpx_client=client)


@pytest.fixture
def http(standin: StandIn) -> Iterator[httpx.Client]:
    """A client of the API that is free to send what the library would not."""
    headers = {"Authorization": f"Api-Key {standin.api_key}"}
    with httpx.Client(base_url=f"{standin.url}/api/v2", headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client


@pytest.fixture
def say() -> Say:
    def message(content: str = "Hello", role_type: str = "user", uuid: str | None = None) -> Message:
        return Message(uuid=uuid or str(uuid4()), role="Ada", role_type=role_type, content=content)

    return message
