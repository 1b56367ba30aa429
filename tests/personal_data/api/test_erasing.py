"""`DELETE /api/me/` and of a thread, through the real application; and what nobody gets without a token."""

import asyncio

import pytest
from pytest_django.fixtures import Settings

from assistant.api.me_schemas import ERASE_ME, ERASE_THREAD
from assistant.database import in_database
from assistant.memory import mirror
from assistant.models import Erasure, Message, MirrorState, Thread, User
from ops.zep_standin.process import StandIn
from tests.personal_data.api.conftest import Client
from tests.personal_data.conftest import finish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


async def test_an_erasure_is_accepted_with_a_receipt_that_anybody_who_knows_it_can_fetch(
    client: Client, anybody: Client
) -> None:
    await client.say("hello")

    accepted = await client.ask("DELETE", "/api/me/", {"confirm": ERASE_ME})

    assert accepted.status_code == 202
    body = accepted.json()
    assert len(body["receipt"]) == 43  # 256 bits
    answer = await anybody.ask("GET", body["url"])
    assert answer.headers["Cache-Control"] == "no-store"
    receipt = answer.json()
    assert receipt["state"] == "requested"
    assert receipt["completed_at"] is None
    await in_database(finish, await Erasure.objects.aget())
    receipt = (await anybody.ask("GET", body["url"])).json()
    assert (receipt["state"], receipt["scope"], receipt["counts"]["messages"]) == ("completed", "person", 2)
    assert receipt["completed_at"] >= receipt["requested_at"]


async def test_the_token_stops_working_at_once(client: Client) -> None:
    await client.ask("DELETE", "/api/me/", {"confirm": ERASE_ME})

    assert (await client.post({"message": "hello"})).status_code == 401
    assert (await client.ask("GET", "/api/me/")).status_code == 401
    assert (await client.ask("DELETE", "/api/me/", {"confirm": ERASE_ME})).status_code == 401


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (b"{}", "confirm", "missing"),
        (b"", "body", "missing"),
        (b'{"confirm": "yes"}', "confirm", "confirmation"),
        (b'{"confirm": true}', "confirm", "string_type"),
        (b'{"confirm": "erase everything about me", "really": 1}', "really", "extra_forbidden"),
    ],
)
async def test_without_its_confirmation_nothing_is_erased(client: Client, body: bytes, field: str, rule: str) -> None:
    answer = await client.ask_raw("DELETE", "/api/me/", body)

    assert answer.status_code == 422
    assert [(each["field"], each["rule"]) for each in answer.json()["error"]["details"]] == [(field, rule)]
    assert not await Erasure.objects.aexists()


async def test_bad_json_is_bad_json(client: Client) -> None:
    assert (await client.ask_raw("DELETE", "/api/me/", b"{")).status_code == 400


async def test_racing_requests_get_one_receipt_or_are_not_known_any_more(client: Client) -> None:
    await client.say("hello")

    answers = await asyncio.gather(*(client.ask("DELETE", "/api/me/", {"confirm": ERASE_ME}) for _ in range(6)))

    assert {answer.status_code for answer in answers} <= {202, 401}
    assert len({answer.json()["receipt"] for answer in answers if answer.status_code == 202}) == 1
    assert await Erasure.objects.acount() == 1


async def test_staff_is_not_erased_with_a_token_alone(client: Client) -> None:
    await User.objects.aupdate(is_staff=True)

    answer = await client.ask("DELETE", "/api/me/", {"confirm": ERASE_ME})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "staff_account")
    assert not await Erasure.objects.aexists()


async def test_a_receipt_that_does_not_exist_is_not_found_in_the_one_form(anybody: Client, client: Client) -> None:
    answers = [await each.ask("GET", f"/api/me/erasures/{'x' * 43}/") for each in (anybody, client)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json() == (await anybody.ask("GET", "/api/me/erasures/1/")).json()


async def test_one_thread_goes_and_cannot_be_opened_again(client: Client, standin: StandIn) -> None:
    await client.say("My budget is 612 pounds", thread_id="gone")
    await client.say("2 bedrooms in Girne", thread_id="stays")
    for thread_id in ("gone", "stays"):
        await in_database(mirror.drain, thread_id)

    accepted = await client.ask("DELETE", "/api/threads/gone/", {"confirm": ERASE_THREAD})
    again = await client.ask("DELETE", "/api/threads/gone/", {"confirm": ERASE_THREAD})

    assert accepted.status_code == again.status_code == 202
    assert accepted.json()["receipt"] == again.json()["receipt"]
    assert (await client.post({"message": "hello", "thread_id": "gone"})).status_code == 404
    await in_database(finish, await Erasure.objects.aget())
    assert not standin.thread("gone").exists
    assert [thread.pk async for thread in Thread.objects.all()] == ["stays"]
    assert (await client.ask("DELETE", "/api/threads/gone/", {"confirm": ERASE_THREAD})).status_code == 404


async def test_what_zep_learned_from_the_thread_goes_and_what_it_learned_elsewhere_comes_back(
    client: Client, standin: StandIn
) -> None:
    await client.say("My budget is 612 pounds", thread_id="gone")
    await client.say("2 bedrooms in Girne", thread_id="stays")
    for thread_id in ("gone", "stays"):
        await in_database(mirror.drain, thread_id)
    assert any("612" in fact for fact in standin.thread("stays").facts)
    before = standin.thread("stays").contents

    await client.ask("DELETE", "/api/threads/gone/", {"confirm": ERASE_THREAD})
    await in_database(finish, await Erasure.objects.aget())
    await in_database(mirror.drain, "stays")

    held = standin.thread("stays")
    assert held.contents == before
    assert not any("612" in fact for fact in held.facts)
    assert any("2 bedroom" in fact for fact in held.facts)
    assert {message.mirror_state async for message in Message.objects.all()} == {MirrorState.MIRRORED}
    await client.say("hello again", thread_id="stays")
    await in_database(mirror.drain, "stays")
    assert len(standin.thread("stays").contents) == len(before) + 2


async def test_somebody_elses_thread_is_not_found(client: Client, mehmet: Client) -> None:
    await client.say("hello", thread_id="hers")

    answer = await mehmet.ask("DELETE", "/api/threads/hers/", {"confirm": ERASE_THREAD})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "thread_not_found")
    assert (await client.ask("DELETE", "/api/threads/hers/", {"confirm": ERASE_ME})).status_code == 422


async def test_threads_are_not_erased_nor_memory_switched_without_end(client: Client, settings: Settings) -> None:
    """Each erasure of a thread sends the others to Zep again."""
    settings.DATA_CHANGES_PER_HOUR = 1

    switched = await client.ask("PATCH", "/api/me/", {"memory": True})
    erased = await client.ask("DELETE", "/api/threads/t1/", {"confirm": ERASE_THREAD})

    assert (switched.status_code, erased.status_code) == (200, 429)


async def test_everything_can_be_erased_whatever_else_was_asked(client: Client, settings: Settings) -> None:
    settings.DATA_CHANGES_PER_HOUR = 1
    await client.ask("PATCH", "/api/me/", {"memory": True})

    assert (await client.ask("DELETE", "/api/me/", {"confirm": ERASE_ME})).status_code == 202


async def test_without_a_token_nothing_is_told(anybody: Client) -> None:
    asked = [("GET", "/api/me/"), ("GET", "/api/me/facts/"), ("GET", "/api/me/export/"), ("PATCH", "/api/me/")]

    assert {(await anybody.ask(method, path)).status_code for method, path in asked} == {401}


async def test_a_path_with_a_zero_in_it_leads_nowhere(client: Client, anybody: Client) -> None:
    """PostgreSQL takes no such text."""
    receipt = await anybody.ask("GET", "/api/me/erasures/a%00b/")
    thread = await client.ask("DELETE", "/api/threads/a%00b/", {"confirm": ERASE_THREAD})

    assert (receipt.status_code, thread.status_code) == (404, 404)
