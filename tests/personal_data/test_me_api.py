"""`/api/me/` and the deletion of a thread, through the real application."""

import asyncio
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from assistant import tokens
from assistant.api.me_schemas import ERASE_ME, ERASE_THREAD
from assistant.database import in_database
from assistant.memory import guard, mirror
from assistant.models import Erasure, Export, Message, MirrorState, Thread, User
from assistant.personal_data import exports
from ops.zep_standin.process import StandIn
from tests.personal_data.conftest import finish
from tests.support.chatting import ChatClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


class Client(ChatClient):
    """The same person, asking for anything."""

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        return await self._http.request(method, path, json=body, headers=self.headers)

    async def ask_raw(self, method: str, path: str, body: bytes) -> httpx.Response:
        headers = self.headers | {"Content-Type": "application/json"}
        return await self._http.request(method, path, content=body, headers=headers)


@pytest.fixture
def client(token: str) -> Client:
    return Client(token)


@pytest.fixture
def anybody() -> Client:
    return Client("")


@pytest.fixture
def mehmet(db: None) -> Client:
    return Client(tokens.issue(User.objects.create_user("mehmet")))


# Erasing


async def test_an_erasure_is_accepted_with_a_receipt_that_anybody_who_knows_it_can_fetch(
    client: Client, anybody: Client
) -> None:
    await client.say("hello")

    accepted = await client.ask("DELETE", "/api/me/", {"confirm": ERASE_ME})

    assert accepted.status_code == 202
    body = accepted.json()
    assert len(body["receipt"]) == 43  # 256 bits
    receipt = (await anybody.ask("GET", body["url"])).json()
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


# Opting out


async def test_the_account_shows_its_settings(client: Client) -> None:
    await client.say("hello")

    me = (await client.ask("GET", "/api/me/")).json()

    assert me["username"] == "ayse"
    assert (me["memory"], me["threads"], me["messages"], me["tokens"]) == (True, 1, 2, [""])


async def test_after_opting_out_nothing_is_read_or_mirrored_and_the_trace_says_so(
    client: Client, standin: StandIn
) -> None:
    await client.say("hello", thread_id="t1")
    answer = await client.ask("PATCH", "/api/me/", {"memory": False})
    assert answer.json()["memory"] is False
    before = standin.last_n()

    said = await client.say("My budget is 612 pounds", thread_id="t1")
    await client.say("and elsewhere", thread_id="t2")
    for thread_id in ("t1", "t2"):
        await in_database(mirror.drain, thread_id)

    memory = said["trace"]["memory"]
    assert (memory["used"], memory["mode"], memory["source"], memory["reason"]) == (False, "off", "local", "opted_out")
    assert standin.log(before) == []
    assert {message.mirror_state async for message in Message.objects.all()} == {MirrorState.PRIVATE}
    assert not await Thread.objects.filter(mirror_due_at__isnull=False).aexists()


async def test_after_opting_in_again_nothing_said_meanwhile_is_sent(client: Client, standin: StandIn) -> None:
    await client.ask("PATCH", "/api/me/", {"memory": False})
    await client.say("My budget is 612 pounds, 2 bedrooms in Girne to rent", thread_id="t1")
    await client.ask("PATCH", "/api/me/", {"memory": True})

    later = await client.say("show me listings", thread_id="t1")
    await in_database(mirror.drain, "t1")

    held = standin.thread("t1").contents
    assert held == ["show me listings", later["reply"]["text"]]
    assert not any("612" in text for text in held)


async def test_an_answer_to_what_was_said_while_opted_out_stays_private(client: Client, standin: StandIn) -> None:
    await client.ask("PATCH", "/api/me/", {"memory": False})
    said = await client.say("My budget is 612 pounds", thread_id="t1")
    await Message.objects.filter(role=Message.Role.ASSISTANT).adelete()
    await client.ask("PATCH", "/api/me/", {"memory": True})

    await client.say("My budget is 612 pounds", thread_id="t1", client_msg_id=said["client_msg_id"])

    assert {message.mirror_state async for message in Message.objects.all()} == {MirrorState.PRIVATE}


@pytest.mark.parametrize("state", [MirrorState.PENDING, MirrorState.IN_FLIGHT, MirrorState.HELD, MirrorState.DEAD])
async def test_what_waits_when_somebody_opts_out_is_never_sent(
    client: Client, standin: StandIn, state: MirrorState
) -> None:
    await client.say("hello", thread_id="t1")
    await Message.objects.aupdate(mirror_state=state, outgoing_parts=["hello"])
    before = standin.last_n()

    await client.ask("PATCH", "/api/me/", {"memory": False})
    await client.ask("PATCH", "/api/me/", {"memory": True})
    await in_database(mirror.drain, "t1")

    assert standin.log(before) == []
    assert {message.mirror_state async for message in Message.objects.all()} == {MirrorState.PRIVATE}


@pytest.mark.parametrize("body", [{}, {"memory": "no"}, {"memory": 0}, {"memory": None}, {"memory": True, "x": 1}])
async def test_a_choice_that_is_none_is_refused(client: Client, body: dict[str, object]) -> None:
    answer = await client.ask("PATCH", "/api/me/", body)

    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["field"] in {"memory", "x"}


# Facts


async def test_the_facts_held_are_shown(client: Client) -> None:
    await client.say("My budget is 612 pounds", thread_id="t1")
    await in_database(mirror.drain, "t1")

    held = (await client.ask("GET", "/api/me/facts/")).json()

    assert held["available"] is True
    assert any("612" in fact for fact in held["facts"])


@pytest.mark.parametrize("kind", ["hang", "reset", "garbage", "drip"])
async def test_zep_being_away_is_an_answer_in_time(client: Client, standin: StandIn, kind: str) -> None:
    await client.say("My budget is 612 pounds", thread_id="t1")
    await in_database(mirror.drain, "t1")
    standin.fault(kind, route="read")

    async with asyncio.timeout(15):
        answer = await client.ask("GET", "/api/me/facts/")

    assert answer.status_code == 200
    assert answer.json()["available"] is False
    assert answer.json()["reason"]


async def test_while_reads_are_off_nobody_asks_zep(client: Client, standin: StandIn) -> None:
    await guard.force("drill", "op", 60)
    before = standin.last_n()

    held = (await client.ask("GET", "/api/me/facts/")).json()

    assert held == {"available": False, "facts": [], "reason": "reads_are_off"}
    assert standin.log(before) == []


async def test_facts_can_not_be_asked_for_without_end(client: Client, settings: Settings) -> None:
    settings.FACTS_PER_MINUTE = 2

    answers = [await client.ask("GET", "/api/me/facts/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0


# Exporting


def unpacked(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        return {name: json.loads(packed.read(name)) for name in packed.namelist()}


async def test_an_export_holds_everything_and_a_manifest_that_fits(client: Client) -> None:
    said = await client.say("My budget is 612 pounds, mail ayse@example.com", thread_id="t1")
    await in_database(mirror.drain, "t1")
    await client.say("a second", thread_id="t2")

    answer = await client.ask("GET", "/api/me/export/")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    files = unpacked(answer.content)
    assert [row["text"] for row in files["messages.json"]][:2] == [
        "My budget is 612 pounds, mail ayse@example.com",
        said["reply"]["text"],
    ]
    assert {row["id"] for row in files["threads.json"]} == {"t1", "t2"}
    assert files["profile.json"][0]["username"] == "ayse"
    assert [row["name"] for row in files["tokens.json"]] == [""]
    assert "[EMAIL]" in files["zep/messages.json"][0]["content"]
    assert any("612" in row["fact"] for row in files["zep/facts.json"])
    manifest = files["manifest.json"]
    assert (manifest["format_version"], manifest["zep"]) == (1, {"complete": True})
    assert {each["name"]: each["records"] for each in manifest["files"]} == {
        name: len(rows) for name, rows in files.items() if name != "manifest.json"
    }


async def test_the_manifest_says_what_zep_did_not_give(client: Client, standin: StandIn) -> None:
    await client.say("hello", thread_id="t1")
    await in_database(mirror.drain, "t1")
    standin.fault("status", route="read", status=503)

    files = unpacked((await client.ask("GET", "/api/me/export/")).content)

    assert files["manifest.json"]["zep"] == {"complete": False, "reason": "http_503"}
    assert len(files["messages.json"]) == 2


async def test_an_export_holds_nothing_of_others(client: Client, mehmet: Client) -> None:
    await mehmet.say("mine alone", thread_id="his")
    await in_database(mirror.drain, "his")

    files = unpacked((await client.ask("GET", "/api/me/export/")).content)

    assert "mine alone" not in json.dumps(files)
    assert "mehmet" not in json.dumps(files)


async def test_a_large_export_is_made_by_a_task_and_fetched_by_its_owner_alone(
    client: Client, mehmet: Client, anybody: Client, settings: Settings
) -> None:
    settings.EXPORT_INLINE_MESSAGES = 1
    await client.say("hello", thread_id="t1")

    queued = await client.ask("GET", "/api/me/export/")
    again = await client.ask("GET", "/api/me/export/")

    assert (queued.status_code, queued.json()["state"], queued.json()["expires_at"]) == (202, "waiting", None)
    assert again.json() == queued.json()
    url = queued.json()["url"]
    assert (await client.ask("GET", url)).status_code == 202
    await in_database(exports.make, (await Export.objects.aget()).pk)
    ready = await client.ask("GET", "/api/me/export/")
    assert (ready.json()["state"], ready.json()["url"]) == ("ready", url)
    assert "messages.json" in unpacked((await client.ask("GET", url)).content)
    assert (await mehmet.ask("GET", url)).status_code == 404
    assert (await client.ask("GET", f"/api/me/exports/{'x' * 43}/")).status_code == 404
    assert (await anybody.ask("GET", url)).status_code == 401


async def test_exports_can_not_be_asked_for_without_end(client: Client, settings: Settings) -> None:
    settings.EXPORTS_PER_HOUR = 1

    answers = [await client.ask("GET", "/api/me/export/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]


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
