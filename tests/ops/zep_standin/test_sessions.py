"""Sessions, authentication, unknown routes and bodies, as Community Edition answers them."""

import httpx
import pytest
from zep_python import NotFoundError
from zep_python.client import AsyncZep, Zep
from zep_python.core.api_error import ApiError

from ops.waiting import PATIENCE_SECONDS
from ops.zep_standin.process import StandIn


async def test_a_session_is_created_for_a_user_and_read_back(zep: AsyncZep) -> None:
    await zep.user.add(user_id="u1")

    created = await zep.memory.add_session(session_id="s1", user_id="u1", metadata={"k": "v"})

    assert await zep.memory.get_session("s1") == created
    assert (created.session_id, created.user_id, created.metadata) == ("s1", "u1", {"k": "v"})


async def test_a_session_that_exists_is_refused(zep: AsyncZep) -> None:
    await zep.memory.add_session(session_id="s1")

    with pytest.raises(ApiError, match="session already exists"):
        await zep.memory.add_session(session_id="s1")


async def test_a_session_of_an_unknown_user_is_refused(zep: AsyncZep) -> None:
    with pytest.raises(ApiError, match="user not found") as refused:
        await zep.memory.add_session(session_id="s1", user_id="nobody")

    assert refused.value.status_code == 400


async def test_an_unknown_session_is_not_found(zep: AsyncZep) -> None:
    with pytest.raises(NotFoundError):
        await zep.memory.get_session("nowhere")


async def test_changing_a_session_merges_its_metadata(zep: AsyncZep) -> None:
    await zep.memory.add_session(session_id="s1", metadata={"a": 1})

    changed = await zep.memory.update_session("s1", metadata={"b": 2})

    assert changed.metadata == {"a": 1, "b": 2}


def test_the_synchronous_client_works_too(standin: StandIn) -> None:
    zep = Zep(base_url=standin.url, api_key=standin.api_key, timeout=PATIENCE_SECONDS)

    assert zep.user.add(user_id="u1").user_id == "u1"


def test_session_and_message_have_exactly_the_fields_of_the_server(http: httpx.Client) -> None:
    session = http.post("/sessions", json={"session_id": "s1"}).json()
    http.post("/sessions/s1/memory", json={"messages": [{"role": "a", "role_type": "user", "content": "x"}]})
    message = http.get("/sessions/s1/messages").json()["messages"][0]

    expected = "uuid id created_at updated_at deleted_at ended_at session_id metadata user_id project_uuid"
    assert set(session) == set(expected.split())
    expected = "uuid created_at updated_at role role_type content metadata token_count"
    assert set(message) == set(expected.split())


@pytest.mark.parametrize("header", ["", "Api-Key wrong", "Bearer standin-key", "standin-key", "Api-Key ñ"])
def test_a_wrong_key_is_refused_in_plain_text(standin: StandIn, header: str) -> None:
    headers = {b"Authorization": header.encode()}

    answer = httpx.get(f"{standin.url}/api/v2/users/u1", headers=headers)

    assert (answer.status_code, answer.text) == (401, "unauthorized\n")
    assert answer.headers["content-type"].startswith("text/plain")


def test_health_needs_no_key(standin: StandIn) -> None:
    answer = httpx.get(f"{standin.url}/healthz")

    assert (answer.status_code, answer.text) == (200, ".")


@pytest.mark.parametrize("path", ["/nothing", "/users/u1/sessions", "/sessions//memory", "/users/", "/"])
def test_an_unknown_route_is_answered_in_plain_text(http: httpx.Client, path: str) -> None:
    answer = http.get(path)

    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


def test_a_route_outside_the_api_is_answered_in_plain_text(standin: StandIn) -> None:
    answer = httpx.get(f"{standin.url}/elsewhere")

    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


def test_a_known_path_refuses_other_methods(http: httpx.Client) -> None:
    assert http.put("/users/u1", json={}).status_code == 405


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/users", content=body)

    assert answer.status_code == 400
    assert "bad request" in answer.json()["message"]


def test_a_body_beyond_five_mebibytes_is_refused(http: httpx.Client) -> None:
    answer = http.post("/sessions/s1/memory", content=b"x" * (5 * 1024 * 1024 + 1))

    assert answer.status_code == 413


def test_a_body_of_five_mebibytes_is_read(http: httpx.Client) -> None:
    body = b'{"user_id": "u1"}'.ljust(5 * 1024 * 1024)

    assert http.post("/users", content=body).status_code == 201
