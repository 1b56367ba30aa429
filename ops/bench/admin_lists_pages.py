"""Asks for the admin's pages as a member of staff, and times each. Imports the product: see `admin_lists`."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.test import Client

from assistant.models import Message, User

OK = 200
ADMIN = "/admin/assistant"


@dataclass(frozen=True)
class Timing:
    """One page: its middle and worst time, of which the database had so much, and its queries."""

    name: str
    median_ms: float
    worst_ms: float
    database_ms: float
    queries: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_line(self, database: str) -> str:
        return (
            f"{database:10}  {self.name:42} {self.median_ms:7.1f} ms (worst {self.worst_ms:7.1f}), "
            f"database {self.database_ms:6.1f} ms, {self.queries} queries"
        )


def timed(runs: int) -> list[Timing]:
    """The pages' timings; each is asked for once before, so that templates are loaded."""
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    return [_timed(client, name, path, runs) for name, path in _pages().items()]


def _pages() -> dict[str, str]:
    known = Message.objects.order_by("id")[Message.objects.order_by("id")[:1_000].count() - 1]
    last = {"p": "100"}
    lists = {f"{name}: list": _to(name) for name in LISTS}
    return lists | {
        "message: last page": _to("message", last),
        "thread: last page": _to("thread", last),
        "auditentry: last page": _to("auditentry", last),
        "message: waiting": _to("message", {"mirror": "waiting"}),
        "message: held": _to("message", {"mirror": "held"}),
        "message: dead": _to("message", {"mirror": "dead"}),
        "thread: waits for the mirror": _to("thread", {"mirror": "waiting"}),
        "thread: holds messages": _to("thread", {"mirror": "holding"}),
        "deadletter: of a kind": _to("deadletter", {"kind": "http_400"}),
        "auditentry: of an action": _to("auditentry", {"action": "message.reveal"}),
        "auditentry: of an action that there is not": _to("auditentry", {"action": "token.revoke"}),
        "modetransition: of a reason": _to("modetransition", {"reason": "auth"}),
        "apitoken: valid": _to("apitoken", {"state": "valid"}),
        "apitoken: revoked": _to("apitoken", {"state": "revoked"}),
        "message: search for an id": _to("message", {"q": str(known.client_msg_id)}),
        "message: search for a thread": _to("message", {"q": known.thread_id}),
        "message: search without an answer": _to("message", {"q": "nothing-like-this"}),
        "thread: search for an id": _to("thread", {"q": known.thread_id}),
        "thread: search for a user": _to("thread", {"q": str(known.user_id)}),
        "user: search for a name": _to("user", {"q": "user-77"}),
        "auditentry: search for an operator": _to("auditentry", {"q": "operator-7"}),
        "message: one": f"{ADMIN}/message/{known.pk}/change/",
        "memory page": "/admin/memory/",
    }


LISTS = ("thread", "message", "deadletter", "auditentry", "modetransition", "apitoken", "user", "listing")


def _to(name: str, query: dict[str, str] | None = None) -> str:
    return f"{ADMIN}/{name}/" + (f"?{urlencode(query)}" if query else "")


def _timed(client: Client, name: str, path: str, runs: int) -> Timing:
    _get(client, path)
    took, in_database = [], []
    for _ in range(runs):
        spent: list[float] = []

        def note(execute: Callable[..., Any], *arguments: Any, into: list[float] = spent) -> Any:
            began = time.perf_counter()
            try:
                return execute(*arguments)
            finally:
                into.append(time.perf_counter() - began)

        began = time.perf_counter()
        with connection.execute_wrapper(note):
            _get(client, path)
        took.append((time.perf_counter() - began) * 1000)
        in_database.append(sum(spent) * 1000)
    return Timing(
        name,
        round(statistics.median(took), 1),
        round(max(took), 1),
        round(statistics.median(in_database), 1),
        len(spent),
    )


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != OK:
        raise SystemExit(f"{path} was answered with {answer.status_code}")
