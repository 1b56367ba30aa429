"""Reads a request for a fault, and says which field breaks which rule; pure, switches nothing."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from ops.zep_standin.faults import Fault, Kind, Route
from ops.zep_standin.wire import API_PREFIX

MAX_DELAY_MS = 600_000


class FaultRefusedError(Exception):
    """A fault was asked for in a way that has no meaning: which field, and the rule it breaks."""

    def __init__(self, field_name: str, rule: str) -> None:
        super().__init__(f"{field_name}: {rule}")
        self.field = field_name
        self.rule = rule


def parse(payload: Any) -> Fault:
    """Return the fault a decoded body describes. Raises FaultRefusedError naming the field and the rule."""
    if not isinstance(payload, Mapping):
        raise FaultRefusedError("body", "must be a JSON object")
    given = {name: value for name, value in payload.items() if value is not None}
    for name in given:
        if name not in Fault.__slots__:
            raise FaultRefusedError(str(name), f"unknown; known fields: {', '.join(Fault.__slots__)}")
    fault = Fault(
        kind=Kind(_choice(given, "kind", Kind)),
        route=Route(_choice({"route": "any"} | given, "route", Route)),
        status=_integer(given, "status", 400, 599),
        retry_after=_retry_after(given.get("retry_after")),
        delay_ms=_integer(given, "delay_ms", 0, MAX_DELAY_MS) or 0,
        count=_integer(given, "count", 1, 2**31 - 1),
        path=_path(given.get("path", "")),
        caller=_text(given, "caller"),
    )
    _refuse_incomplete(fault)
    return fault


def _refuse_incomplete(fault: Fault) -> None:
    if fault.kind is Kind.STATUS and fault.status is None:
        raise FaultRefusedError("status", "required for kind status")
    if fault.kind is Kind.DELAY and not fault.delay_ms:
        raise FaultRefusedError("delay_ms", "required for kind delay")


def _choice(given: Mapping[str, Any], name: str, among: type[StrEnum]) -> str:
    value = given.get(name)
    if not isinstance(value, str) or value not in set(among):
        raise FaultRefusedError(name, f"must be one of {', '.join(among)}")
    return value


def _integer(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise FaultRefusedError(name, f"must be an integer from {least} to {most}")
    return value


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise FaultRefusedError(name, "must be a string")
    return value


def _path(value: Any) -> str:
    if not isinstance(value, str) or (value and not value.startswith("/")):
        raise FaultRefusedError("path", "must be a path prefix that begins with /")
    return value.removeprefix(API_PREFIX)


def _retry_after(value: Any) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text is None or (isinstance(text, str) and (_is_seconds(text) or _is_http_date(text))):
        return text
    raise FaultRefusedError("retry_after", "must be whole seconds or an HTTP date")


def _is_seconds(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_http_date(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return text.isascii() and text.isprintable()
