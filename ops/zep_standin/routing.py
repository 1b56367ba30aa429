"""Which call leads to which answer: one table, and the checks that come before it; knows no socket."""

import hmac
from collections.abc import Callable
from typing import Any

from ops.zep_standin import routes_memory, routes_sessions, routes_users
from ops.zep_standin.holdings import Holdings
from ops.zep_standin.wire import Answer, Call, RefusedError, error_answer, text_answer

Handler = Callable[..., Answer]

ROUTES: dict[tuple[str, ...], dict[str, Handler]] = {
    ("users",): {"POST": routes_users.create},
    ("users-ordered",): {"GET": routes_users.listed},
    ("users", "*"): {
        "GET": routes_users.read,
        "PATCH": routes_users.change,
        "DELETE": routes_users.delete,
    },
    ("sessions",): {"POST": routes_sessions.create},
    ("sessions", "search"): {"POST": routes_sessions.search},
    ("sessions", "*"): {"GET": routes_sessions.read, "PATCH": routes_sessions.change},
    ("sessions", "*", "memory"): {
        "GET": routes_memory.read,
        "POST": routes_memory.add,
        "DELETE": routes_memory.delete,
    },
    ("sessions", "*", "messages"): {"GET": routes_memory.list_messages},
    ("sessions", "*", "messages", "*"): {
        "GET": routes_memory.read_message,
        "PATCH": routes_memory.change_message,
    },
}


def perform(held: Holdings, call: Call, api_key: str) -> Answer:
    """Carry out `call` and return its true answer. Must run inside a transaction."""
    if not hmac.compare_digest(call.authorization.encode(), f"Api-Key {api_key}".encode()):
        return error_answer(401, "unauthorized")
    if call.body is None:
        return error_answer(413, "http: request body too large")
    if any("\0" in segment for segment in call.segments):
        return error_answer(400, "bad request: text must not contain NUL")
    handler, ids = find(call.method, call.segments)
    if isinstance(handler, Answer):
        return handler
    try:
        return handler(held, call, *ids)
    except RefusedError as refused:
        return error_answer(refused.status, refused.message)


def find(method: str, segments: tuple[str, ...]) -> tuple[Handler | Answer, tuple[str, ...]]:
    """Return the handler and the ids in the path; for an unknown route the answer to it, in plain text."""
    literal = ROUTES.get(segments, {})
    if method in literal:
        return literal[method], ()
    ids = segments[1::2]
    shape = tuple("*" if at % 2 else segment for at, segment in enumerate(segments))
    methods: dict[str, Any] = ROUTES.get(shape, {}) if all(ids) else {}
    if method in methods:
        return methods[method], ids
    unknown = not methods and not literal
    return (text_answer(404, "404 page not found\n") if unknown else text_answer(405, "")), ()


def carries_messages(method: str, segments: tuple[str, ...]) -> bool:
    match segments:
        case ("sessions", _, "memory"):
            return method == "POST"
    return False
