"""The calls about a thread's memory and messages, as Zep answers them; knows no socket."""

from ops.zep_standin import graph, people, threads
from ops.zep_standin.batches import MAX_MESSAGES, read_batch, read_uuid
from ops.zep_standin.facts import extract
from ops.zep_standin.holdings import Holdings
from ops.zep_standin.wire import (
    Answer,
    Call,
    Json,
    RefusedError,
    error_answer,
    json_answer,
    optional,
    read_object,
    timestamp,
    whole_number,
)

DEFAULT_LAST_MESSAGES = 6
DEFAULT_PAGE_SIZE = 100
MAX_RELEVANT_FACTS = 10
MESSAGES_IN_QUERY = 4


def add(held: Holdings, call: Call, session_id: str) -> Answer:
    """Store a batch, all or none. Too many are stored *and* answered 400, as Community Edition does."""
    batch = read_batch(read_object(call.body))
    if threads.any_taken(held.db, [message.uuid for message in batch]):
        raise RefusedError(400, "bad request: message_uuid already exists")
    now = timestamp(call.at)
    session, user_id = threads.key_and_user(held.db, session_id) or (
        threads.create(held.db, session_id, None, None, now),
        None,
    )
    threads.append(held.db, session, batch, now)
    said = (statement for m in batch if m.role_type == "user" for statement in extract(m.content))
    graph.learn(held.db, graph.owner(user_id, session_id), said, call.at, held.fact_delay_s)
    if len(batch) > MAX_MESSAGES:
        return error_answer(400, f"bad request: more than {MAX_MESSAGES} messages")
    return json_answer(201, {"message": "OK"})


def read(held: Holdings, call: Call, session_id: str) -> Answer:
    """Return the last messages and the facts nearest to them. An unknown thread is an empty one."""
    last = whole_number(call.query, "lastn", DEFAULT_LAST_MESSAGES)
    _check_rating(call)
    known = threads.key_and_user(held.db, session_id)
    if known is None:
        return json_answer(200, {"messages": [], "relevant_facts": []})
    messages = threads.last_messages(held.db, known[0], last)
    query = " ".join(message["content"] for message in messages[-MESSAGES_IN_QUERY:])
    facts = graph.recall(held.db, graph.owner(known[1], session_id), query, MAX_RELEVANT_FACTS, call.at)
    return json_answer(200, {"messages": messages, "relevant_facts": facts})


def delete(held: Holdings, _call: Call, session_id: str) -> Answer:
    """Delete the thread and its messages. The graph keeps what it learned from them."""
    if not threads.delete(held.db, session_id):
        raise RefusedError(404, "not found")
    return json_answer(200, {"message": "OK"})


def list_messages(held: Holdings, call: Call, session_id: str) -> Answer:
    size = whole_number(call.query, "limit", DEFAULT_PAGE_SIZE)
    number = whole_number(call.query, "cursor", 1)
    known = threads.key_and_user(held.db, session_id)
    messages, total = threads.message_page(held.db, known[0], number, size) if known else ([], 0)
    return json_answer(200, {"messages": messages, "total_count": total, "row_count": len(messages)})


def read_message(held: Holdings, _call: Call, session_id: str, uuid: str) -> Answer:
    return json_answer(200, _known_message(held, session_id, uuid))


def change_message(held: Holdings, call: Call, session_id: str, uuid: str) -> Answer:
    message = _known_message(held, session_id, uuid)
    metadata = people.merged(message["metadata"], optional(read_object(call.body), "metadata", dict))
    threads.set_message_metadata(held.db, message["uuid"], metadata, timestamp(call.at))
    return json_answer(200, _known_message(held, session_id, uuid))


def _known_message(held: Holdings, session_id: str, uuid: str) -> Json:
    canonical, known = read_uuid(uuid), threads.key_and_user(held.db, session_id)
    message = threads.find_message(held.db, known[0], canonical) if known else None
    if message is None:
        raise RefusedError(404, "not found")
    return message


def _check_rating(call: Call) -> None:
    """`minRating` must be a number, and filters nothing: Community Edition's facts carry no rating."""
    try:
        float(call.query.get("minRating") or 0)
    except ValueError as error:
        raise RefusedError(400, "bad request: minRating must be a number") from error
