"""The calls about sessions, and the search over their users' facts, as Zep answers them; knows no socket."""

from ops.zep_standin import graph, people, threads
from ops.zep_standin.holdings import Holdings
from ops.zep_standin.wire import (
    Answer,
    Call,
    Json,
    RefusedError,
    json_answer,
    optional,
    read_object,
    timestamp,
    whole_number,
)

DEFAULT_RESULTS = 10


def create(held: Holdings, call: Call) -> Answer:
    payload = read_object(call.body)
    session_id, user_id = optional(payload, "session_id", str), optional(payload, "user_id", str) or None
    metadata = optional(payload, "metadata", dict)
    if not session_id:
        raise RefusedError(400, "bad request: session_id is required")
    if threads.key_and_user(held.db, session_id):
        raise RefusedError(400, f"session already exists with session_id: {session_id}")
    if user_id and not people.exists(held.db, user_id):
        raise RefusedError(400, "user not found")
    threads.create(held.db, session_id, user_id, metadata, timestamp(call.at))
    return json_answer(201, _known(held, session_id))


def read(held: Holdings, _call: Call, session_id: str) -> Answer:
    return json_answer(200, _known(held, session_id))


def change(held: Holdings, call: Call, session_id: str) -> Answer:
    session = _known(held, session_id)
    metadata = people.merged(session["metadata"], optional(read_object(call.body), "metadata", dict))
    threads.set_metadata(held.db, session["id"], metadata, timestamp(call.at))
    return json_answer(200, _known(held, session_id))


def search(held: Holdings, call: Call) -> Answer:
    """Search facts of the user named, and of the sessions named; one of the two must be."""
    payload = read_object(call.body)
    text, user_id = optional(payload, "text", str) or "", optional(payload, "user_id", str)
    groups = [graph.owner(user_id, "")] if user_id else []
    groups += [graph.owner(None, session_id) for session_id in _session_ids(payload)]
    if not groups:
        raise RefusedError(400, "bad request: user_id or session_ids is required")
    limit = whole_number(call.query, "limit", DEFAULT_RESULTS)
    facts = [fact for group in groups for fact in graph.recall(held.db, group, text, limit, call.at)]
    return json_answer(200, {"results": [{"fact": fact} for fact in facts[:limit]]})


def _session_ids(payload: Json) -> list[str]:
    ids = payload.get("session_ids") or []
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise RefusedError(400, "bad request: session_ids has the wrong type")
    return ids


def _known(held: Holdings, session_id: str) -> Json:
    session = threads.find(held.db, session_id)
    if session is None:
        raise RefusedError(404, "not found")
    return session
