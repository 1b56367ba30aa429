"""The stand-in's own endpoints, for tests, drills and operators on the same machine; knows no Zep route."""

import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from ops.zep_standin import graph, requestlog, store, threads
from ops.zep_standin.fault_requests import FaultRefusedError, parse
from ops.zep_standin.faults import Board
from ops.zep_standin.holdings import Holdings
from ops.zep_standin.page import render
from ops.zep_standin.wire import Answer, Json, RefusedError, json_answer, whole_number

PREFIX = "/_standin/"
LINES_ON_PAGE = 50
THREADS_ON_PAGE = 100
ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Question:
    """One administrative request, and all it may look at. `argument` is the path below the endpoint."""

    held: Holdings
    board: Board
    body: bytes | None
    query: Mapping[str, str]
    argument: str


def answer(request: web.BaseRequest, body: bytes | None, held: Holdings, board: Board) -> Answer:
    """Answer an administrative request; only peers on this machine may ask."""
    if not is_loopback(request.remote or ""):
        return _refusal(403, "forbidden", "only loopback peers may use these endpoints")
    path = request.raw_path.partition("?")[0]
    name, _, argument = path.removeprefix(PREFIX).partition("/")
    endpoint = ENDPOINTS.get((request.method, name if path != "/" else ""))
    if endpoint is None:
        return _refusal(404, "not_found", f"no such endpoint: {request.method} {path}")
    return endpoint(Question(held, board, body, request.query, unquote(argument)))


def is_loopback(peer: str) -> bool:
    """Whether an address is this machine's own, IPv4 in IPv6 clothing included."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _switch_on(asked: Question) -> Answer:
    try:
        fault = parse(_decoded(asked.body))
    except FaultRefusedError as refused:
        return json_answer(422, {"error": {"field": refused.field, "rule": refused.rule}})
    return json_answer(201, {"id": asked.board.add(fault), **fault.as_json()})


def _list_faults(asked: Question) -> Answer:
    return json_answer(200, {"faults": asked.board.as_json()})


def _clear_faults(asked: Question) -> Answer:
    asked.board.clear()
    return _list_faults(asked)


def _decoded(body: bytes | None) -> object:
    try:
        return json.loads(body or b"")
    except (ValueError, RecursionError) as error:
        raise FaultRefusedError("body", "must be valid JSON") from error


def _log(asked: Question) -> Answer:
    try:
        after = whole_number(asked.query, "after", 0)
        limit = min(whole_number(asked.query, "limit", requestlog.DEFAULT_LIMIT), requestlog.MAX_LIMIT)
    except RefusedError as refused:
        return _refusal(422, "bad_query", refused.message)
    return json_answer(200, requestlog.page(asked.held.db, after, limit))


def _threads(asked: Question) -> Answer:
    if not asked.argument:
        return json_answer(200, {"threads": threads.overview(asked.held.db)})
    content = _content(asked.argument, asked.held)
    return json_answer(200, content) if content else _refusal(404, "not_found", "no such thread")


def _empty(asked: Question) -> Answer:
    with store.transaction(asked.held.db):
        store.empty(asked.held.db)
    return json_answer(200, {"emptied": True})


def _content(session_id: str, held: Holdings) -> Json | None:
    known = threads.key_and_user(held.db, session_id)
    if known is None:
        return None
    messages, _ = threads.message_page(held.db, known[0], 1, ALL)
    facts = graph.recall(held.db, graph.owner(known[1], session_id), "", ALL, time.time())
    return {
        "session_id": session_id,
        "user_id": known[1],
        "messages": messages,
        "facts": [fact["fact"] for fact in reversed(facts)],
    }


def _page(asked: Question) -> Answer:
    db = asked.held.db
    known = threads.overview(db)
    contents = [_content(thread["session_id"], asked.held) for thread in known[: -THREADS_ON_PAGE - 1 : -1]]
    entries = requestlog.latest(db, LINES_ON_PAGE)
    page = render(len(known), [content for content in contents if content], asked.board.as_json(), entries)
    return Answer(200, page.encode(), "text/html; charset=utf-8")


def _refusal(status: int, code: str, message: str) -> Answer:
    return json_answer(status, {"error": {"code": code, "message": message}})


ENDPOINTS: dict[tuple[str, str], Callable[[Question], Answer]] = {
    ("GET", ""): _page,
    ("POST", "faults"): _switch_on,
    ("GET", "faults"): _list_faults,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "log"): _log,
    ("GET", "threads"): _threads,
    ("DELETE", "data"): _empty,
}
