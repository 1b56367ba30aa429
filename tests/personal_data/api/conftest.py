"""People who ask about their data over HTTP."""

from collections.abc import Mapping

import httpx
import pytest

from assistant import tokens
from assistant.models import User
from tests.support.chatting import ChatClient


class Client(ChatClient):
    """The same person, asking for anything."""

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        return await self._http.request(method, path, json=body, headers=self.headers)

    async def ask_raw(self, method: str, path: str, body: bytes) -> httpx.Response:
        headers = self.headers | {"Content-Type": "application/json"}
        return await self._http.request(method, path, content=body, headers=headers)


@pytest.fixture
def client(token: str) -> Client:
    return Client(token)


@pytest.fixture
def anybody() -> Client:
    return Client("")


@pytest.fixture
def mehmet(db: None) -> Client:
    return Client(tokens.issue(User.objects.create_user("mehmet")))
