"""Where spans of a trace begin and end, and how a trace goes on in a task. Knows no tracing library.

Without one installed (`install`) nothing is recorded and nothing imported. Names and attributes of spans are fixed
words, statuses and numbers: no id of a person, no address, no text.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Literal, Protocol

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attribute = str | int | float | bool


class Span(Protocol):
    """Something that is being done."""

    def note(self, name: str, value: Attribute) -> None:
        """Say more about it."""


class Tracer(Protocol):
    """What records spans."""

    def span(self, name: str, kind: Kind, carrier: Mapping[str, str] | None) -> AbstractContextManager[Span]:
        """Record the block as a span: of the trace in `carrier`, else of the span under way, else of a new trace."""

    def carried(self) -> dict[str, str]:
        """The span under way, as headers of a message."""


class _Unrecorded:
    """The span of those who trace nothing."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was begun."""

    def note(self, name: str, value: Attribute) -> None:
        """Nobody reads it."""


_UNRECORDED = _Unrecorded()
_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Record from now on; None stops it."""
    global _tracer  # noqa: PLW0603  # one per process, chosen when it starts
    _tracer = tracer


def span(name: str, kind: Kind = "internal", carrier: Mapping[str, str] | None = None) -> AbstractContextManager[Span]:
    """The block as a span; see `Tracer.span`."""
    return _UNRECORDED if _tracer is None else _tracer.span(name, kind, carrier)


def carried() -> dict[str, str]:
    """Headers with which a message takes the trace along; none where nothing is recorded."""
    return {} if _tracer is None else _tracer.carried()
