"""How log lines look, and what may not get into them: one JSON object each, whoever wrote them.

Messages of exceptions may quote what somebody wrote, and paths of unknown addresses may be anything: neither is logged.
An exception is its class and where it happened.
"""

import logging
import traceback
from types import TracebackType

import structlog

from assistant import correlation

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def where_it_happened(exc_info: ExceptionInfo) -> str:
    """The exception's class and its frames, file and line, without its message or any value; causes included."""
    lines: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        lines += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(lines)


class WithoutForeignText(logging.Filter):
    """Takes out of other libraries' lines what they quote: exceptions' messages, and paths and hosts of requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "celery.app.trace" and isinstance(record.args, dict) and "exc" in record.args:
            record.args = record.args | {"exc": _class_of(record), "traceback": ""}
        elif record.name == "django.request":
            record.msg, record.args = f"request_failed {getattr(record, 'status_code', '')}", ()
        elif record.name == "asyncio":
            record.msg, record.args = "asyncio_reported", ()
        return not record.name.startswith("django.security")


def _class_of(record: logging.LogRecord) -> str:
    return type(record.exc_info[1]).__name__ if record.exc_info else "an error"


def with_correlation_id(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say under which request's id it was done."""
    if known := correlation.current():
        line["correlation_id"] = known
    return line


SHARED: list[structlog.typing.Processor] = [
    with_correlation_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(where_it_happened),
]


def json_formatter() -> logging.Formatter:
    """The formatter for every handler. Also configures structlog, which hands its lines to the standard library."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
