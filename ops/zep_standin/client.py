"""Asks a running stand-in's own endpoints, for commands, tests, benchmarks; knows no process and no Zep."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

Json = dict[str, Any]

NOT_FOUND = 404
PAGE_SIZE = 5000


class StandInError(Exception):
    """The stand-in did not do what was asked."""


class StandInUnreachableError(StandInError):
    """Nothing that speaks HTTP answers at the URL."""


class StandInRefusedError(StandInError):
    """The stand-in answered, and refused; the text says why."""


@dataclass(frozen=True, slots=True)
class HeldThread:
    """What the stand-in holds of a thread, in order of arrival; empty where there is no such thread."""

    session_id: str
    exists: bool
    user_id: str | None
    messages: list[Json]
    facts: list[str]

    @property
    def contents(self) -> list[str]:
        return [message["content"] for message in self.messages]

    @property
    def uuids(self) -> list[str]:
        return [message["uuid"] for message in self.messages]


class StandInClient:
    """The endpoints below `url`. Each call opens its own connection: a restart in between goes unnoticed."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(timeout=timeout_s, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def fault(self, kind: str, **fields: Any) -> int:
        """Switch a fault on and return its id.

        Fields: route, status, retry_after, delay_ms, count, path, caller. Raises StandInRefusedError.
        """
        return int(self._ask("POST", "faults", json={"kind": kind, **fields})["id"])

    def faults(self) -> list[Json]:
        """Return the active faults, first come first."""
        return list(self._ask("GET", "faults")["faults"])

    def clear(self) -> None:
        """Switch every fault off. Requests that hang already go on hanging."""
        self._ask("DELETE", "faults")

    def log(self, after: int = 0) -> list[Json]:
        """Return every log entry with n > after."""
        return list(self._pages(after))

    def last_n(self) -> int:
        """Return the number of the newest log entry, as an `after` for what follows."""
        return int(self._ask("GET", "log", params={"limit": 1})["last"])

    def threads(self) -> list[Json]:
        """Return session_id, user_id and message_count of every thread."""
        return list(self._ask("GET", "threads")["threads"])

    def thread(self, session_id: str) -> HeldThread:
        held = self._ask("GET", f"threads/{session_id}", missing={})
        return HeldThread(session_id, bool(held), held.get("user_id"), held.get("messages", []), held.get("facts", []))

    def empty(self) -> None:
        """Forget users, sessions, messages and facts. The log stays."""
        self._ask("DELETE", "data")

    def close(self) -> None:
        self._http.close()

    def _pages(self, after: int) -> Iterator[Json]:
        while (page := self._ask("GET", "log", params={"after": after, "limit": PAGE_SIZE}))["entries"]:
            yield from page["entries"]
            after = page["next"]

    def _ask(self, method: str, path: str, missing: Json | None = None, **options: Any) -> Json:
        with _explained(self.url):
            response = self._http.request(method, f"{self.url}/_standin/{path}", **options)
            if response.status_code == NOT_FOUND and missing is not None:
                return missing
            if response.is_error:
                raise StandInRefusedError(f"{response.status_code}: {response.text}")
            answer: Json = response.json()
            return answer


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise StandInUnreachableError(f"no Zep stand-in at {url}: {error}") from error
    except ValueError as error:
        raise StandInUnreachableError(f"what answers at {url} is not the Zep stand-in") from error
