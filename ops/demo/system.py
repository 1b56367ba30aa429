"""The running system, as seen from outside: its HTTP API, its Zep, and `manage.py issue_token`. Imports none of it."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops.launcher import env_file, ports
from ops.launcher.supervision import ROOT

ANSWER_SECONDS = 30.0
OK, NOT_FOUND = 200, 404
Json = dict[str, Any]  # decoded answers: their shapes are the API's


class NotRunning(Exception):
    """There is no system to talk to; the message says how to get one."""


class Unexpected(Exception):
    """The system answered, but not as its API promises."""


@dataclass(frozen=True)
class System:
    """Addresses and tokens of a running copy."""

    web_url: str
    zep_url: str
    tokens: dict[str, str] = field(default_factory=dict)

    def chat(self, user: str, text: str, thread_id: str | None) -> Json:
        """One turn. Raises Unexpected."""
        if user not in self.tokens:
            self.tokens[user] = issue_token(user)
        body = {"message": text} | ({"thread_id": thread_id} if thread_id else {})
        status, answer = request("POST", f"{self.web_url}/api/chat/", body, self.tokens[user])
        if status != OK or not isinstance(answer, dict):
            raise Unexpected(f"POST /api/chat/ answered {status}: {answer}")
        return answer

    def held_by_zep(self, thread_id: str) -> Json | None:
        """What the stand-in holds of a thread; None when it holds nothing."""
        status, answer = request("GET", f"{self.zep_url}/_standin/threads/{thread_id}")
        return answer if status == OK and isinstance(answer, dict) else None

    def has_standin(self) -> bool:
        """Whether Zep is the stand-in, which can be looked into."""
        try:
            return request("GET", f"{self.zep_url}/_standin/threads")[0] == OK
        except NotRunning:
            return False


def find(environ: Mapping[str, str]) -> System:
    """The copy that `make run` wrote down in LOCAL_DIR. Raises NotRunning."""
    local_dir = Path(environ.get("LOCAL_DIR") or ROOT / ".local").resolve()
    written = env_file.read(local_dir / "env")
    settings = written | {name: environ[name] for name in written if environ.get(name)}
    if not written:
        raise NotRunning(
            f"Nothing was started with LOCAL_DIR={local_dir}. Start it with `make run` in another terminal."
        )
    host = ports.reachable(settings.get("WEB_HOST", ""))
    system = System(f"http://{host}:{settings['WEB_PORT']}", settings.get("ZEP_BASE_URL", "http://127.0.0.1:1"))
    request("GET", f"{system.web_url}/healthz")
    return system


def request(method: str, url: str, body: Json | None = None, token: str = "") -> tuple[int, Any]:
    """Status and decoded JSON (or the text, where it is none). Raises NotRunning when nobody listens."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=ANSWER_SECONDS)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, parts.path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, decoded(answer.read().decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        raise NotRunning(f"{url} does not answer ({error}). Is `make run` running in another terminal?") from error
    finally:
        connection.close()


def decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def issue_token(user: str) -> str:
    """A new token, from the last line of the command's output. Raises Unexpected."""
    command = [sys.executable, "manage.py", "issue_token", user]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unexpected(f"manage.py issue_token failed:\n{done.stdout}{done.stderr}")
    return done.stdout.split()[-1]
