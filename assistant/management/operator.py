"""What operators' commands share: who is acting, moments in time, and JSON lines."""

import getpass
import json
from argparse import ArgumentTypeError
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime


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
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def as_json(value: object) -> str:
    """One line of JSON; times and ids as text."""
    return json.dumps(value, default=str, ensure_ascii=False)
