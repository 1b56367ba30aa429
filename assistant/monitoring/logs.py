"""How log lines look and where they go. What may not get into them is left out here, whoever wrote them.

Messages of exceptions may quote what somebody wrote: an exception is its class and where it happened, in log lines and
in what a process says when it dies. A line stays below what a pipe takes in one piece (`PIPE_BUF`), so that the lines
of several processes do not mix.
"""

import logging
import logging.config
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from concurrent_log_handler import ConcurrentRotatingFileHandler
from django.conf import settings

from assistant import correlation, opaque

ExceptionInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]
INNERMOST_FRAMES = 12
TRACE_CHARACTERS = 2_500
log = logging.getLogger(__name__)


def configure(config: dict[str, Any]) -> None:
    """Set up logging; Django calls this with `settings.LOGGING`. Also says how this process's own death reads."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False  # a line that cannot be written would be printed with all its arguments
    # No line says these, and finding them out for each costs (see "Optimization" in the library's HOWTO).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.config.dictConfig(config)
    if settings.PROCESS_ROLE != "cli":  # a person at a terminal may read the whole of an error
        sys.excepthook = _died
        threading.excepthook = lambda args: _died(args.exc_type, args.exc_value, args.exc_traceback)
        sys.unraisablehook = lambda args: _died(args.exc_type, args.exc_value, args.exc_traceback)


def rotating_file(path: Path, max_bytes: int, backups: int) -> logging.Handler:
    """A file that several processes may write and rotate; where it cannot be written, only the console has logs."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        sys.stderr.write(f"No log file: {path} cannot be written ({error.strerror}). Logs go to the console alone.\n")
        return logging.NullHandler()
    return ConcurrentRotatingFileHandler(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8")


def where_it_happened(exc_info: ExceptionInfo) -> str:
    """The exception's class and its innermost frames, without its message or any value; then its causes."""
    parts: list[str] = []
    error = exc_info[1]
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-INNERMOST_FRAMES:]
        lines = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        parts.append("\n".join([*lines, f"{type(error).__module__}.{type(error).__qualname__}"]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(parts)[:TRACE_CHARACTERS]


def _died(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is not None and not isinstance(error, KeyboardInterrupt | SystemExit):
        log.critical("unhandled_exception", exc_info=(kind, error, trace))


def with_correlation_id(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say under which request's id it was done."""
    if known := correlation.current():
        line["correlation_id"] = known
    return line


def with_opaque_thread(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say which thread it was without its id where a user chose that: it may be a name, and logs outlive an erasure."""
    if isinstance(known := line.get("thread_id"), str) and known:
        line["thread_id"] = opaque.name_of(known)
    return line


SHARED: list[structlog.typing.Processor] = [
    with_correlation_id,
    with_opaque_thread,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(where_it_happened),
]


class RenderedOnce(structlog.stdlib.ProcessorFormatter):
    """Keeps a line with its record: two handlers cost one rendering."""

    def format(self, record: logging.LogRecord) -> str:
        line: str | None = getattr(record, "rendered_line", None)
        if line is None:
            line = record.rendered_line = super().format(record)
        return line


def json_formatter() -> logging.Formatter:
    """One JSON object a line, in ASCII: no encoding can break it."""
    return RenderedOnce(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


def readable_formatter() -> logging.Formatter:
    """For a person at a terminal."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
    )
