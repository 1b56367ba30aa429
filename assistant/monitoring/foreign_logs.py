"""What other libraries' log lines may say. Knows how they quote, and trusts none of them.

They format URLs with passwords, bodies of messages, and exceptions whose text repeats what somebody sent. So their
lines keep the words of their template and its numbers; what is filled in is left out, and of an exception its class
stays.
"""

import logging
import os
import re
from collections.abc import Mapping

OURS = frozenset({"easy_islanders", "assistant", "workers", "ops"})
SILENT = "django.security"  # it exists to say which foreign host or path was asked for
LEFT_OUT = "…"
# Their arguments are hosts, ports, names of our own tasks and workers.
PLAIN_SPOKEN = frozenset({"uvicorn.error", "celery.beat", "celery.apps.worker", "flower.inspector"})
NAMES_OF_TASKS = frozenset({"id", "name", "description", "hostname"})  # arguments of Celery's lines on tasks
OF_A_SOCKET = "WebSocket"  # uvicorn's lines on one quote its path, which ends in the thread's id
QUOTED = re.compile(r"\S*(?:://|@)\S*|'[^']*'|\"[^\"]*\"|<.*|\n.*", re.DOTALL)


class WithoutForeignText(logging.Filter):
    """Takes out of other libraries' lines what they quote. Sees each record once for each handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(SILENT):
            return False
        if record.name.partition(".")[0] not in OURS and not hasattr(record, "is_bare"):
            record.msg, record.args = _said(record).partition("\n")[0], ()
            record.stack_info, record.exc_text, record.is_bare = None, None, True
        return True


def _said(record: logging.LogRecord) -> str:
    if record.name == "django.request":
        return f"request_failed {getattr(record, 'status_code', '')}"
    if not isinstance(record.msg, str):
        return _class_of(record.msg)
    if not record.args:
        return QUOTED.sub(LEFT_OUT, record.msg)
    try:
        return record.msg % _bare_arguments(record)
    except (TypeError, ValueError, KeyError):
        return record.msg


def _bare_arguments(record: logging.LogRecord) -> object:
    trusts_text = record.name in PLAIN_SPOKEN and OF_A_SOCKET not in str(record.msg)
    if isinstance(record.args, Mapping):
        named = {name: _bare(value, trusts_text or name in NAMES_OF_TASKS) for name, value in record.args.items()}
        return named | ({"exc": _class_of(record.exc_info[1])} if record.exc_info and "exc" in named else {})
    return tuple(_bare(value, trusts_text) for value in record.args or ())


def _bare(value: object, trusts_text: bool) -> object:
    if isinstance(value, BaseException):
        return _class_of(value)
    if value is None or isinstance(value, int | float) or (trusts_text and isinstance(value, str)):
        return value
    return LEFT_OUT


def _class_of(value: object) -> str:
    """An exception's class; of the operating system's also which error it was, in the system's words."""
    if isinstance(value, OSError) and value.errno:
        return f"{type(value).__name__}: {os.strerror(value.errno)}"
    return type(value).__name__
