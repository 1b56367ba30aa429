"""What operators' commands share: who is acting, moments in time, and JSON lines."""

import getpass
import json
from argparse import ArgumentTypeError
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from assistant import bounds


def current_operator() -> str:
    """The name of who typed the command, for the audit."""
    return getpass.getuser()


def moment(text: str) -> datetime:
    """An ISO 8601 date and time; without an offset it is UTC."""
    parsed = parse_datetime(text)
    if parsed is None:
        raise ArgumentTypeError(f"{text!r} is not an ISO 8601 date and time such as 2026-01-31T14:30:00Z")
    return parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)


def message_id(text: str) -> UUID:
    """A client_msg_id."""
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a UUID") from None


def at_least_one(text: str) -> int:
    """A whole number of 1 or more."""
    return _whole(text, bounds.COUNT)


def days(text: str) -> int:
    """A number of days that can be counted back from today."""
    return _whole(text, bounds.DAYS)


def row_number(text: str) -> int:
    """The number of a row."""
    return _whole(text, bounds.ROW_NUMBER)


def thread_id(text: str) -> str:
    """A thread's id. Not an empty one: it would be a variable that is not set, and mean everybody's."""
    if not text or "\0" in text:
        raise ArgumentTypeError("a thread's id is not empty")
    return text


def _whole(text: str, most: int) -> int:
    digits = text.lstrip("0") if text.isdecimal() else ""
    if not 0 < len(digits) <= len(str(most)) or int(digits) > most:
        raise ArgumentTypeError(f"{text[:40]!r} is not a whole number from 1 to {most}")
    return int(digits)


def as_json(value: object) -> str:
    """One line of JSON; times and ids as text."""
    return json.dumps(value, default=str, ensure_ascii=False)
