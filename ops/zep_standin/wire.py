"""What a request and an answer are, and how bodies are read; knows no socket, no storage and no route."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NoReturn

Json = dict[str, Any]

API_PREFIX = "/api/v2"
MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_INTEGER = 2**31 - 1
MAX_DIGITS = len(str(MAX_INTEGER))

_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPED_NUL = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Call:
    """One request under the API's prefix. `body` is None where it was larger than the server accepts."""

    method: str
    path: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes | None
    body_sha256: str
    caller: str
    authorization: str
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, before anything decides how (or whether) to deliver it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """The request is answered with an error, and nothing of it has been stored."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def json_answer(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value, separators=(",", ":")).encode())


def text_answer(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


def error_answer(status: int, message: str) -> Answer:
    """Zep's error shape. A 401 is the exception: its middleware answers in plain text."""
    if status == HTTPStatus.UNAUTHORIZED:
        return text_answer(status, "unauthorized\n")
    return json_answer(status, {"message": message})


def read_object(body: bytes | None) -> Json:
    """Return the JSON object in `body`, as a Go server would read it: lone surrogates become U+FFFD.

    Raises RefusedError(400) for what is not a JSON object, and for a NUL, which PostgreSQL cannot hold.
    """
    try:
        value = json.loads(body or b"", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "bad request: body is not valid JSON") from error
    if not isinstance(value, dict):
        raise RefusedError(400, "bad request: body must be a JSON object")
    if body and _ESCAPED_NUL in body and _holds_nul(value):
        raise RefusedError(400, "bad request: text must not contain NUL")
    scrubbed: Json = _without_lone_surrogates(value) if body and _ESCAPED_SURROGATE.search(body) else value
    return scrubbed


def optional(payload: Json, name: str, kind: type[str] | type[dict[Any, Any]]) -> Any:
    """Return payload[name], or None where it is absent or null. Raises RefusedError(400) for another type."""
    value = payload.get(name)
    if value is not None and not isinstance(value, kind):
        raise RefusedError(400, f"bad request: {name} has the wrong type")
    return value


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """Return a non-negative integer of the query. Absent, empty and 0 mean `default`, as in Go."""
    raw = query.get(name, "")
    if not raw:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) <= MAX_DIGITS and int(raw) <= MAX_INTEGER):
        raise RefusedError(400, f"bad request: {name} must be a non-negative integer")
    return int(raw) or default


def timestamp(at: float) -> str:
    """Return epoch seconds as RFC 3339 in UTC with microseconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case dict():
            return any(_holds_nul(part) for pair in value.items() for part in pair)
        case list():
            return any(_holds_nul(part) for part in value)
    return False


def _without_lone_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_without_lone_surrogates(key): _without_lone_surrogates(part) for key, part in value.items()}
        case list():
            return [_without_lone_surrogates(part) for part in value]
    return value
