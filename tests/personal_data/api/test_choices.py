"""`/api/me/`: the account's settings, and opting out of memory, through the real application."""

import pytest
from django.conf import settings

from assistant.database import in_database
from assistant.events import Event, TurnRemembered
from assistant.memory import mirror
from assistant.models import Message, MirrorState, Thread
from ops.zep_standin.process import StandIn
from tests.personal_data.api.conftest import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


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


async def test_turns_of_who_opted_out_are_none_of_memorys(client: Client, announced: list[Event]) -> None:
    await client.ask("PATCH", "/api/me/", {"memory": False})

    await client.say("hello", thread_id="t1")

    assert [each.context for each in announced if isinstance(each, TurnRemembered)] == ["excluded"]


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


async def test_an_opt_out_that_cannot_be_written_down_is_said_not_to_be_in_force(client: Client) -> None:
    settings.ERASURE_LEDGER.mkdir()

    refused = await client.ask("PATCH", "/api/me/", {"memory": False})

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "choice_not_stored")
    assert refused.headers["Retry-After"] == "30"
    assert (await client.ask("GET", "/api/me/")).json()["memory"] is True
