"""The calls about users, as Zep answers them; knows no socket."""

from ops.zep_standin import people
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

DEFAULT_PAGE_SIZE = 100


def create(held: Holdings, call: Call) -> Answer:
    payload = read_object(call.body)
    user_id, fields = optional(payload, "user_id", str), _fields(payload)
    if not user_id:
        raise RefusedError(400, "bad request: user_id is required")
    if people.exists(held.db, user_id):
        raise RefusedError(400, f"user already exists with user_id: {user_id}")
    people.create(held.db, user_id, fields, timestamp(call.at))
    return json_answer(201, _known(held, user_id))


def read(held: Holdings, _call: Call, user_id: str) -> Answer:
    return json_answer(200, _known(held, user_id))


def change(held: Holdings, call: Call, user_id: str) -> Answer:
    user, fields = _known(held, user_id), _fields(read_object(call.body))
    people.change(held.db, user, fields, timestamp(call.at))
    return json_answer(200, _known(held, user_id))


def delete(held: Holdings, _call: Call, user_id: str) -> Answer:
    _known(held, user_id)
    people.delete(held.db, user_id)
    return json_answer(200, {"message": "OK"})


def listed(held: Holdings, call: Call) -> Answer:
    number = whole_number(call.query, "pageNumber", 1)
    users, total = people.page(held.db, number, whole_number(call.query, "pageSize", DEFAULT_PAGE_SIZE))
    return json_answer(200, {"users": users, "total_count": total, "row_count": len(users)})


def _known(held: Holdings, user_id: str) -> Json:
    user = people.find(held.db, user_id)
    if user is None:
        raise RefusedError(404, "not found")
    return user


def _fields(payload: Json) -> Json:
    text = {name: optional(payload, name, str) for name in people.TEXT_FIELDS}
    return text | {"metadata": optional(payload, "metadata", dict)}
