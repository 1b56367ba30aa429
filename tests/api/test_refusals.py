"""What every address below the API says where it refuses: one shape, and words that fit what was asked."""

import pytest

from assistant.api.me_schemas import ERASE_ME, ERASE_THREAD
from tests.personal_data.api.conftest import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


@pytest.fixture
def client(token: str) -> Client:
    return Client(token)


@pytest.mark.usefixtures("lost_database")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/me/", None),
        ("PATCH", "/api/me/", {"memory": False}),
        ("DELETE", "/api/me/", {"confirm": ERASE_ME}),
        ("DELETE", "/api/threads/t1/", {"confirm": ERASE_THREAD}),
        ("GET", "/api/me/export/", None),
        ("GET", "/api/me/erasures/x/", None),
    ],
)
async def test_without_the_database_nobody_but_who_chats_is_told_of_a_message(
    client: Client, method: str, path: str, body: dict[str, object] | None
) -> None:
    answer = await client.ask(method, path, body)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json()["error"]["code"] == "database_unavailable"
    assert "message" not in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/me/", "DELETE, GET, PATCH"),
        ("PUT", "/api/me/", "DELETE, GET, PATCH"),
        ("POST", "/api/me/facts/", "GET"),
        ("DELETE", "/api/me/export/", "GET"),
        ("DELETE", "/api/me/exports/x/", "GET"),
        ("POST", "/api/me/erasures/x/", "GET"),
        ("GET", "/api/threads/t1/", "DELETE"),
        ("GET", "/api/chat/", "POST"),
    ],
)
async def test_another_method_is_refused_as_json_and_told_which_to_use(
    client: Client, method: str, path: str, allowed: str
) -> None:
    answer = await client.ask(method, path)

    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.headers["Content-Type"] == "application/json"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.json() == {"error": {"code": "method_not_allowed", "message": f"Use {allowed}."}}


async def test_elsewhere_a_refused_method_is_as_django_has_it(client: Client) -> None:
    answer = await client.ask("OPTIONS", "/healthz")

    assert answer.status_code == 405
    assert "json" not in answer.headers["Content-Type"]
