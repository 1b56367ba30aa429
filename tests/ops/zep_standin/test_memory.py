"""Messages in and out, with every awkward part of Community Edition."""

from uuid import uuid4

import httpx
import pytest
from zep_python import InternalServerError, NotFoundError
from zep_python.client import AsyncZep
from zep_python.core.api_error import ApiError

from ops.zep_standin.batches import ROLE_TYPES
from ops.zep_standin.process import StandIn
from tests.ops.zep_standin.conftest import Say


async def test_messages_come_back_as_they_were_sent(zep: AsyncZep, say: Say) -> None:
    sent = say("Merhaba 👋 dünya").copy(update={"metadata": {"client_msg_id": "c1"}})

    answer = await zep.memory.add("s1", messages=[sent])
    memory = await zep.memory.get("s1")

    assert answer.message == "OK"
    (back,) = memory.messages or []
    assert back.created_at
    assert back.updated_at
    assert (back.uuid_, back.content, back.role, back.role_type) == (
        sent.uuid_,
        sent.content,
        "Ada",
        "user",
    )
    assert back.metadata == {"client_msg_id": "c1"}


def test_adding_answers_created(http: httpx.Client) -> None:
    answer = http.post("/sessions/s1/memory", json={"messages": [{"content": "x"}]})

    assert (answer.status_code, answer.json()) == (201, {"message": "OK"})


async def test_an_unknown_session_is_created_without_a_user(zep: AsyncZep, say: Say) -> None:
    await zep.memory.add("s1", messages=[say()])

    assert (await zep.memory.get_session("s1")).user_id is None


async def test_memory_of_an_unknown_session_is_empty(zep: AsyncZep) -> None:
    memory = await zep.memory.get("nowhere")

    assert (memory.messages, memory.relevant_facts) == ([], [])


async def test_order_is_that_of_arrival_whatever_time_the_client_claims(zep: AsyncZep, say: Say) -> None:
    early = say("second").copy(update={"created_at": "2001-01-01T00:00:00Z"})

    await zep.memory.add("s1", messages=[say("first")])
    await zep.memory.add("s1", messages=[early])

    messages = (await zep.memory.get("s1")).messages or []
    assert [message.content for message in messages] == ["first", "second"]
    assert not (messages[1].created_at or "").startswith("2001")


@pytest.mark.parametrize(("query", "count"), [("", 6), ("?lastn=", 6), ("?lastn=3", 3), ("?lastn=50", 8)])
def test_memory_holds_the_last_messages(http: httpx.Client, query: str, count: int) -> None:
    http.post("/sessions/s1/memory", json={"messages": [{"content": str(number)} for number in range(8)]})

    memory = http.get(f"/sessions/s1/memory{query}").json()

    assert [message["content"] for message in memory["messages"]] == [str(n) for n in range(8)][-count:]


@pytest.mark.parametrize("query", ["lastn=x", "lastn=-1", "lastn=99999999999999999999", "minRating=x"])
def test_a_query_that_is_no_number_is_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/sessions/s1/memory?{query}").status_code == 400


async def test_messages_are_listed_in_pages(zep: AsyncZep, say: Say) -> None:
    await zep.memory.add("s1", messages=[say(str(number)) for number in range(5)])

    page = await zep.memory.get_session_messages("s1", limit=2, cursor=2)

    assert [message.content for message in page.messages or []] == ["2", "3"]
    assert (page.total_count, page.row_count) == (5, 2)


@pytest.mark.parametrize("other_session", ["s1", "s2"])
async def test_one_known_uuid_refuses_the_whole_batch(
    zep: AsyncZep, standin: StandIn, say: Say, other_session: str
) -> None:
    taken = say("first")
    await zep.memory.add("s1", messages=[taken])

    with pytest.raises(ApiError) as refused:
        await zep.memory.add(other_session, messages=[say("new"), taken])

    assert refused.value.status_code == 400
    assert refused.value.body == {"message": "bad request: message_uuid already exists"}
    assert standin.thread("s1").contents == ["first"]
    assert standin.thread("s2").contents == []


async def test_a_uuid_twice_in_one_batch_refuses_it(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    message = say()

    with pytest.raises(ApiError, match="message_uuid already exists"):
        await zep.memory.add("s1", messages=[message, message])

    assert not standin.thread("s1").exists


async def test_a_deleted_message_leaves_its_uuid_taken(zep: AsyncZep, say: Say) -> None:
    message = say()
    await zep.memory.add("s1", messages=[message])
    await zep.memory.delete("s1")

    with pytest.raises(ApiError, match="message_uuid already exists"):
        await zep.memory.add("s1", messages=[message])


async def test_thirty_messages_are_accepted(zep: AsyncZep, say: Say) -> None:
    assert (await zep.memory.add("s1", messages=[say() for _ in range(30)])).message == "OK"


async def test_more_than_thirty_messages_are_refused_and_stored(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    with pytest.raises(ApiError) as refused:
        await zep.memory.add("s1", messages=[say() for _ in range(31)])

    assert refused.value.status_code == 400
    assert len(standin.thread("s1").messages) == 31


async def test_length_is_counted_in_code_points(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    await zep.memory.add("s1", messages=[say("👋" * 2500)])

    with pytest.raises(ApiError) as refused:
        await zep.memory.add("s1", messages=[say("x" * 2501)])

    assert refused.value.status_code == 400
    assert len(standin.thread("s1").messages) == 1


@pytest.mark.parametrize("role_type", sorted(ROLE_TYPES))
async def test_every_role_type_of_the_set_is_accepted(zep: AsyncZep, say: Say, role_type: str) -> None:
    await zep.memory.add("s1", messages=[say(role_type=role_type)])

    assert [m.role_type for m in (await zep.memory.get("s1")).messages or []] == [role_type]


async def test_another_role_type_is_a_server_error_every_time(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    for _ in range(2):
        with pytest.raises(InternalServerError):
            await zep.memory.add("s1", messages=[say(role_type="human")])

    assert not standin.thread("s1").exists


async def test_a_nul_is_refused(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    with pytest.raises(ApiError) as refused:
        await zep.memory.add("s1", messages=[say("a\0b")])

    assert refused.value.status_code == 400
    assert not standin.thread("s1").exists


async def test_text_that_only_spells_a_nul_is_accepted(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    await zep.memory.add("s1", messages=[say(r"\u0000")])

    assert standin.thread("s1").contents == [r"\u0000"]


def test_a_lone_surrogate_becomes_the_replacement_character(http: httpx.Client, standin: StandIn) -> None:
    http.post("/sessions/s1/memory", content=rb'{"messages": [{"content": "a\ud83d"}]}')

    assert standin.thread("s1").contents == ["a\ufffd"]


@pytest.mark.parametrize(
    "message",
    ["x", {"content": 1}, {"uuid": "no"}, {"uuid": 7}, {"metadata": []}, {"role": {}}],
    ids=str,
)
def test_a_malformed_message_is_refused(http: httpx.Client, message: object) -> None:
    assert http.post("/sessions/s1/memory", json={"messages": [message]}).status_code == 400


def test_a_call_without_messages_is_refused(http: httpx.Client) -> None:
    assert http.post("/sessions/s1/memory", json={"messages": []}).status_code == 400


def test_a_message_without_uuid_gets_one(http: httpx.Client, standin: StandIn) -> None:
    http.post("/sessions/s1/memory", json={"messages": [{"content": "x"}]})

    assert len(standin.thread("s1").uuids[0]) == 36


async def test_one_message_is_read_by_its_uuid(zep: AsyncZep, say: Say) -> None:
    message = say("x")
    await zep.memory.add("s1", messages=[message])

    assert (await zep.memory.get_session_message("s1", message.uuid_ or "")).content == "x"


async def test_a_message_of_another_session_is_not_found(zep: AsyncZep, say: Say) -> None:
    message = say()
    await zep.memory.add("s1", messages=[message])
    await zep.memory.add_session(session_id="s2")

    with pytest.raises(NotFoundError):
        await zep.memory.get_session_message("s2", message.uuid_ or "")


async def test_an_unknown_message_is_not_found(zep: AsyncZep) -> None:
    await zep.memory.add_session(session_id="s1")

    with pytest.raises(NotFoundError):
        await zep.memory.get_session_message("s1", str(uuid4()))


def test_a_malformed_message_uuid_is_refused(http: httpx.Client) -> None:
    assert http.get("/sessions/s1/messages/no-uuid").status_code == 400


async def test_metadata_of_a_message_can_be_changed(zep: AsyncZep, say: Say) -> None:
    message = say().copy(update={"metadata": {"a": 1}})
    await zep.memory.add("s1", messages=[message])

    changed = await zep.memory.update_message_metadata("s1", message.uuid_ or "", metadata={"b": 2})

    assert changed.metadata == {"a": 1, "b": 2}


async def test_deleting_memory_removes_the_session(zep: AsyncZep, standin: StandIn, say: Say) -> None:
    await zep.memory.add("s1", messages=[say()])

    assert (await zep.memory.delete("s1")).message == "OK"

    assert not standin.thread("s1").exists
    with pytest.raises(NotFoundError):
        await zep.memory.get_session("s1")


async def test_deleting_the_memory_of_an_unknown_session_is_not_found(zep: AsyncZep) -> None:
    with pytest.raises(NotFoundError):
        await zep.memory.delete("nowhere")
