"""`POST /api/chat/`: answers, repetitions and every refusal of the contract, through the real application."""

import asyncio
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from assistant import tokens
from assistant.models import Message, Thread, User
from ops.redis_process import RedisProcess
from ops.zep_standin.process import StandIn
from tests.support.chatting import ChatClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def chat(token: str) -> ChatClient:
    return ChatClient(token)


async def test_a_message_is_answered_with_its_trace(chat: ChatClient) -> None:
    client_msg_id = str(uuid4())

    answer = await chat.say("Hello", thread_id="t1", client_msg_id=client_msg_id)

    assert answer["ok"] is True
    assert answer["thread_id"] == "t1"
    assert answer["client_msg_id"] == client_msg_id
    assert answer["replayed"] is False
    assert answer["reply"]["text"]
    assert answer["trace"]["memory"]["used"] is True
    assert answer["trace"]["memory"]["client_ids"] == {
        "user": client_msg_id,
        "assistant": answer["reply"]["client_msg_id"],
    }


async def test_without_ids_the_server_makes_them(chat: ChatClient) -> None:
    first, second = await chat.say("Hello"), await chat.say("Hello")

    assert first["thread_id"] != second["thread_id"]
    assert first["client_msg_id"] != second["client_msg_id"]


async def test_the_same_request_again_gives_the_same_answer_and_nothing_new(chat: ChatClient) -> None:
    client_msg_id = str(uuid4())
    first = await chat.say("I need a 2 bedroom in Girne", client_msg_id=client_msg_id)

    again = await chat.say("I need a 2 bedroom in Girne", client_msg_id=client_msg_id)

    assert again == first | {"replayed": True}
    assert await Message.objects.acount() == 2
    assert await Thread.objects.acount() == 1


async def test_identical_requests_racing_give_one_message_one_reply_and_equal_answers(chat: ChatClient) -> None:
    body = {"client_msg_id": str(uuid4())}

    answers = await asyncio.gather(*(chat.say("2 bedroom in Girne", **body) for _ in range(8)))

    assert all(answer | {"replayed": None} == answers[0] | {"replayed": None} for answer in answers)
    assert sum(not answer["replayed"] for answer in answers) == 1
    assert await Message.objects.acount() == 2
    assert await Thread.objects.acount() == 1


async def test_a_message_that_was_stored_but_never_answered_is_answered_when_it_is_sent_again(
    chat: ChatClient,
) -> None:
    client_msg_id = str(uuid4())
    first = await chat.say("Hello", client_msg_id=client_msg_id)
    await Message.objects.filter(role=Message.Role.ASSISTANT).adelete()

    again = await chat.say("Hello", client_msg_id=client_msg_id)

    assert again["replayed"] is False
    assert again["reply"]["client_msg_id"] == first["reply"]["client_msg_id"]


async def test_a_client_msg_id_with_another_message_is_a_conflict(chat: ChatClient) -> None:
    client_msg_id = str(uuid4())
    await chat.say("Hello", client_msg_id=client_msg_id)

    response = await chat.post({"message": "Goodbye", "client_msg_id": client_msg_id})

    assert response.status_code == 409
    assert response.json()["error"]["code"] == "client_msg_id_conflict"


async def test_a_client_msg_id_in_another_thread_is_a_conflict(chat: ChatClient) -> None:
    client_msg_id = str(uuid4())
    await chat.say("Hello", client_msg_id=client_msg_id, thread_id="one")

    response = await chat.post({"message": "Hello", "client_msg_id": client_msg_id, "thread_id": "two"})

    assert response.status_code == 409


async def test_the_id_of_a_reply_can_not_be_taken_for_a_message(chat: ChatClient) -> None:
    answer = await chat.say("Hello")

    response = await chat.post({"message": "Hello", "client_msg_id": answer["reply"]["client_msg_id"]})

    assert response.status_code == 409


async def test_another_users_thread_is_not_found(chat: ChatClient) -> None:
    await chat.say("Hello", thread_id="mine")
    stranger = await User.objects.acreate(username="bob")
    bob = ChatClient(await asyncio.to_thread(tokens.issue, stranger))

    response = await bob.post({"message": "Hello", "thread_id": "mine"})

    assert response.status_code == 404
    assert await Message.objects.filter(user=stranger).acount() == 0


async def test_two_users_may_use_the_same_client_msg_id(chat: ChatClient) -> None:
    client_msg_id = str(uuid4())
    await chat.say("Hello", client_msg_id=client_msg_id)
    stranger = await User.objects.acreate(username="bob")
    bob = ChatClient(await asyncio.to_thread(tokens.issue, stranger))

    answer = await bob.say("Something else", client_msg_id=client_msg_id)

    assert answer["replayed"] is False


async def test_places_in_a_thread_are_without_gaps_under_concurrency(chat: ChatClient) -> None:
    await chat.say("Hello", thread_id="busy")

    await asyncio.gather(*(chat.say(f"Hello {n}", thread_id="busy") for n in range(10)))

    places = [place async for place in Message.objects.order_by("sequence").values_list("sequence", flat=True)]
    assert places == list(range(1, 23))


@pytest.mark.parametrize("token_sent", ["", "ei_wrong", "ei_" + "x" * 43])
@pytest.mark.usefixtures("ayse")
async def test_without_a_valid_token_nothing_is_done(token_sent: str) -> None:
    response = await ChatClient(token_sent).post({"message": "Hello"})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "not_authenticated"
    assert await Message.objects.acount() == 0


async def test_a_deactivated_users_token_is_refused(chat: ChatClient) -> None:
    await User.objects.aupdate(is_active=False)

    assert (await chat.post({"message": "Hello"})).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"hello", b"\xff\xfe", b'{"message": "a",}'])
async def test_a_body_that_is_not_json_is_refused(chat: ChatClient, body: bytes) -> None:
    response = await chat.post_raw(body)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_json"


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({}, "message", "missing"),
        ({"message": ""}, "message", "string_too_short"),
        ({"message": " \n\t "}, "message", "string_too_short"),
        ({"message": "x" * 8_001}, "message", "string_too_long"),
        ({"message": "a\x00b"}, "message", "nul_character"),
        ({"message": 5}, "message", "string_type"),
        ({"message": None}, "message", "string_type"),
        ({"message": "Hello", "thread_id": ""}, "thread_id", "string_pattern_mismatch"),
        ({"message": "Hello", "thread_id": "x" * 65}, "thread_id", "string_pattern_mismatch"),
        ({"message": "Hello", "thread_id": "../users/u1"}, "thread_id", "string_pattern_mismatch"),
        ({"message": "Hello", "thread_id": "abc\n"}, "thread_id", "string_pattern_mismatch"),
        ({"message": "Hello", "thread_id": "chat-05331234567"}, "thread_id", "personal_data"),
        ({"message": "Hello", "thread_id": "905331234567"}, "thread_id", "personal_data"),
        ({"message": "Hello", "thread_id": "0533_123_45_67"}, "thread_id", "personal_data"),
        ({"message": "Hello", "client_msg_id": "1"}, "client_msg_id", "uuid_parsing"),
    ],
)
async def test_a_bad_field_is_named_with_its_rule(
    chat: ChatClient, body: dict[str, object], field: str, rule: str
) -> None:
    response = await chat.post(body)

    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "invalid_fields"
    assert (error["details"][0]["field"], error["details"][0]["rule"]) == (field, rule)
    assert field in error["message"]


async def test_a_lone_surrogate_is_refused_before_it_reaches_the_database(chat: ChatClient) -> None:
    response = await chat.post_raw(b'{"message": "\\ud800"}')

    assert response.status_code == 422
    assert response.json()["error"]["details"][0]["field"] == "message"


@pytest.mark.parametrize(
    "thread_id", ["a", "A-b_9", "3f2b8c1e-9a57-4d1c-8e2f-05331234567a", "chat-20251102-0034", "x" * 64]
)
async def test_a_thread_id_without_personal_data_is_taken(chat: ChatClient, thread_id: str) -> None:
    assert (await chat.say("Hello", thread_id=thread_id))["thread_id"] == thread_id


async def test_errors_do_not_repeat_what_was_sent(chat: ChatClient) -> None:
    response = await chat.post({"message": "call 0533 123 45 67", "client_msg_id": "0533 123 45 67"})

    assert response.status_code == 422
    assert "0533" not in response.text


async def test_the_longest_message_is_taken_and_trimmed(chat: ChatClient) -> None:
    await chat.say(" " + "ş" * 8_000 + "\n")

    stored = await Message.objects.aget(role=Message.Role.USER)
    assert stored.text == "ş" * 8_000


async def test_a_body_over_64_kib_is_refused_without_being_read_to_its_end(chat: ChatClient) -> None:
    response = await chat.post_raw(b'{"message": "' + b"x" * 70_000 + b'"}')

    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


async def test_over_the_rate_limit_a_user_is_told_when_to_come_back(chat: ChatClient, settings: Settings) -> None:
    settings.CHAT_RATE_PER_MINUTE = 2
    await chat.say("one")
    await chat.say("two")

    response = await chat.post({"message": "three"})

    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert await Message.objects.filter(text="three").acount() == 0


async def test_with_too_many_turns_at_once_the_process_says_so(chat: ChatClient, settings: Settings) -> None:
    settings.WEB_MAX_TURNS_IN_PROGRESS = 0

    response = await chat.post({"message": "Hello"})

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "overloaded"
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.usefixtures("lost_database")
async def test_without_the_database_the_answer_is_503(chat: ChatClient) -> None:
    response = await chat.post({"message": "Hello"})
    ready = await chat.get("/readyz")

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "database_unavailable"
    assert "client_msg_id" in response.json()["error"]["message"]
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "unavailable")


async def test_another_method_is_refused_as_json(chat: ChatClient) -> None:
    response = await chat.get("/api/chat/", **chat.headers)

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


async def test_an_unknown_address_below_the_api_is_refused_as_json(chat: ChatClient) -> None:
    response = await chat.get("/api/nothing/")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_redis_being_down_is_no_error(chat: ChatClient, redis_server: RedisProcess) -> None:
    redis_server.stop()

    answer = await chat.say("Hello")

    assert answer["trace"]["memory"]["used"] is False
    assert answer["trace"]["memory"]["reason"] == "state_unavailable"


async def test_zep_being_down_is_no_error(chat: ChatClient, standin: StandIn) -> None:
    standin.fault("reset", route="any")

    answer = await chat.say("Hello")

    memory = answer["trace"]["memory"]
    assert (memory["used"], memory["source"], memory["reason"]) == (False, "local", "connection")


async def test_the_openapi_document_names_every_error(chat: ChatClient) -> None:
    document = (await chat.get("/api/openapi.json")).json()

    answers = document["paths"]["/api/chat/"]["post"]["responses"]
    assert {"200", "400", "401", "404", "409", "413", "422", "429", "503"} <= set(answers)


async def test_the_api_docs_use_no_foreign_server(chat: ChatClient) -> None:
    page = (await chat.get("/api/docs")).text

    assert "swagger" in page
    assert "//cdn" not in page
