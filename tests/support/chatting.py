"""Talking to the ASGI application in this process, through everything that stands before a turn."""

from collections.abc import Mapping
from typing import Any

import httpx

from easy_islanders.asgi import application


class ChatClient:
    """One user's HTTP client."""

    def __init__(self, token: str, peer: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app=application, client=(peer, 50_000), raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def say(self, message: str, **more: object) -> dict[str, Any]:
        """Send a message that must be answered with 200; return the answer."""
        response = await self.post({"message": message} | more)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def post(self, body: Mapping[str, object]) -> httpx.Response:
        return await self._http.post("/api/chat/", json=dict(body), headers=self.headers)

    async def post_raw(self, body: bytes) -> httpx.Response:
        headers = self.headers | {"Content-Type": "application/json"}
        return await self._http.post("/api/chat/", content=body, headers=headers)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._http.get(path, headers=headers)
