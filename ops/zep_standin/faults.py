"""Which fault befalls which request, and what it does to the answer; pure, knows no socket and no clock."""

from dataclasses import dataclass, field
from enum import StrEnum

from ops.zep_standin.wire import API_PREFIX, Answer, Call, Json, error_answer


class Route(StrEnum):
    READ = "read"
    WRITE = "write"
    ANY = "any"


class Kind(StrEnum):
    STATUS = "status"
    DELAY = "delay"
    HANG = "hang"
    DRIP = "drip"
    RESET = "reset"
    GARBAGE = "garbage"
    EMPTY = "empty"
    HUGE = "huge"
    STORE_THEN_500 = "store_then_500"
    STORE_THEN_HANG = "store_then_hang"


# The request is carried out; with every other kind nothing is stored.
PERFORMING = frozenset({Kind.DELAY, Kind.DRIP, Kind.STORE_THEN_500, Kind.STORE_THEN_HANG})
# Nothing is answered.
SILENT = frozenset({Kind.HANG, Kind.RESET, Kind.STORE_THEN_HANG})

_NOTHING = Answer(200, b"")
GARBAGE = b"<html><body>502 Bad Gateway</body></html><!-- {not json"


@dataclass(frozen=True, slots=True)
class Fault:
    """What shall happen to matching requests; `count` of them, or all until cleared."""

    kind: Kind
    route: Route = Route.ANY
    status: int | None = None
    retry_after: str | None = None
    delay_ms: int = 0
    count: int | None = None
    path: str = ""
    caller: str | None = None

    def matches(self, call: Call) -> bool:
        return (
            self.route in (Route.ANY, route_of(call.method, call.path))
            and call.path.removeprefix(API_PREFIX).startswith(self.path)
            and self.caller in (None, call.caller)
        )

    def as_json(self) -> Json:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in fields.items() if value not in (None, "", 0)}


def route_of(method: str, path: str) -> Route:
    """Reads are GETs, and the search, which is a POST only because its question needs a body."""
    searching = method == "POST" and path.endswith("/sessions/search")
    return Route.READ if method == "GET" or searching else Route.WRITE


@dataclass(slots=True)
class Board:
    """The faults switched on, in order of arrival; the first that matches a request takes it."""

    active: dict[int, tuple[Fault, int | None]] = field(default_factory=dict)
    last_id: int = 0

    def add(self, fault: Fault) -> int:
        self.last_id += 1
        self.active[self.last_id] = (fault, fault.count)
        return self.last_id

    def take(self, call: Call) -> Fault | None:
        """Return the fault that befalls `call`, counted; one that has befallen its number is gone."""
        for number, (fault, left) in self.active.items():
            if fault.matches(call):
                self._count_down(number, fault, left)
                return fault
        return None

    def clear(self) -> None:
        self.active.clear()

    def as_json(self) -> list[Json]:
        return [{"id": number, **fault.as_json(), "remaining": left} for number, (fault, left) in self.active.items()]

    def _count_down(self, number: int, fault: Fault, left: int | None) -> None:
        if left == 1:
            del self.active[number]
        elif left is not None:
            self.active[number] = (fault, left - 1)


def answer_of(fault: Fault | None, performed: Answer | None) -> Answer:
    """Return the answer decided on. `performed` is the true one, where the request was carried out."""
    if fault is None:
        return performed or _NOTHING
    match fault.kind:
        case Kind.STATUS:
            return _with_retry_after(error_answer(fault.status or 500, "injected fault"), fault.retry_after)
        case Kind.STORE_THEN_500:
            return error_answer(500, "injected fault")
        case Kind.GARBAGE:
            return Answer(200, GARBAGE, "text/html; charset=utf-8")
    return performed or _NOTHING


def _with_retry_after(answer: Answer, retry_after: str | None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Answer(answer.status, answer.body, answer.content_type, headers)
