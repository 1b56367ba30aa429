"""What the launcher asks the running web process. Knows three routes and their status codes."""

import http.client
import json
from dataclasses import dataclass

from ops.launcher import ports

ASK_SECONDS = 5.0
OK, UNAUTHORISED = 200, 401
CHAT, READY = "/api/chat/", "/readyz"


@dataclass(frozen=True)
class Web:
    """A web process by its address."""

    host: str
    port: int

    @property
    def url(self) -> str:
        host = ports.reachable(self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def is_ready(self) -> bool:
        return self._status("GET", READY) == OK

    def accepts(self, token: str) -> bool:
        """Whether the token is valid. An empty body is refused after the token was looked at, so nothing is stored."""
        return self._status("POST", CHAT, body=json.dumps({}), token=token) != UNAUTHORISED

    def _status(self, method: str, path: str, body: str | None = None, token: str = "") -> int:
        connection = http.client.HTTPConnection(ports.reachable(self.host), self.port, timeout=ASK_SECONDS)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"} if token else {}
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
