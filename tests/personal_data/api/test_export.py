"""`/api/me/export/`: everything held, through the real application."""

import io
import json
import random
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as settings_of
from django.utils import timezone
from pytest_django.fixtures import Settings

from assistant.archive.sealed_stream import HEAD, PIECE, WHOLE_TOKEN
from assistant.database import in_database
from assistant.memory import mirror
from assistant.models import AuditEntry, Export, Message, MirrorState, Thread, User
from assistant.personal_data import exports, zep_copy
from ops.zep_standin.process import StandIn
from tests.personal_data.api.conftest import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server", "standin")]


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


async def test_a_session_that_zep_does_not_know_does_not_spoil_the_rest(client: Client, standin: StandIn) -> None:
    for thread in ("t1", "t2"):
        await client.say("My budget is 612 pounds", thread_id=thread)
        await in_database(mirror.drain, thread)
    standin.fault("status", route="read", path="/sessions/t1/messages", status=404)

    files = unpacked((await client.ask("GET", "/api/me/export/")).content)

    assert files["manifest.json"]["zep"] == {"complete": True}
    assert {row["thread_id"] for row in files["zep/messages.json"]} == {"t2"}


async def test_a_task_asks_zep_again_where_it_failed_once(
    client: Client, standin: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "ZEP_PAUSES_IN_TASK", (0.01, 0.01))
    settings.EXPORT_INLINE_MESSAGES = 0
    await client.say("hello", thread_id="t1")
    await in_database(mirror.drain, "t1")
    url = (await client.ask("GET", "/api/me/export/")).json()["url"]
    standin.fault("status", route="read", status=503, count=2)

    await in_database(exports.make, (await Export.objects.aget()).pk)

    files = unpacked((await client.ask("GET", url)).content)
    assert files["manifest.json"]["zep"] == {"complete": True}
    assert len(files["zep/messages.json"]) == 2


async def test_more_facts_than_zep_can_be_asked_for_are_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zep_copy, "FACTS", 1)
    await client.say("My budget is 612 pounds", thread_id="t1")
    await in_database(mirror.drain, "t1")

    files = unpacked((await client.ask("GET", "/api/me/export/")).content)

    assert files["manifest.json"]["zep"] == {"complete": False, "reason": "too_many_facts"}
    assert len(files["zep/facts.json"]) == 1


async def test_where_the_audit_is_long_a_task_makes_the_export(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = await AuditEntry.objects.acreate(actor="retention", action="archive.expire")

    for most, status in ((newest.pk, 200), (newest.pk - 1, 202)):
        monkeypatch.setattr(exports, "AUDIT_READ_AT_ONCE", most)
        assert (await client.ask("GET", "/api/me/export/")).status_code == status
        await AuditEntry.objects.exclude(pk=newest.pk).adelete()


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


@pytest.fixture
async def link(client: Client, ayse: User, settings: Settings) -> str:
    """To a large export of some pieces that lies ready."""
    settings.EXPORT_INLINE_MESSAGES = 0
    thread = await Thread.objects.acreate(id="t1", user=ayse)
    for number in range(50):
        words = random.Random(number).randbytes(4_000).hex()  # noqa: S311  # words that take room in a ZIP
        sent = {"client_msg_id": uuid4(), "role": "user", "text": words, "mirror_state": MirrorState.PRIVATE}
        await Message.objects.acreate(user=ayse, thread=thread, sequence=number + 1, **sent)
    url: str = (await client.ask("GET", "/api/me/export/")).json()["url"]
    await in_database(exports.make, (await Export.objects.aget()).pk)
    return url


async def test_an_answers_length_is_said_first(client: Client, link: str, settings: Settings) -> None:
    large = await client.ask("GET", link)
    settings.EXPORT_INLINE_MESSAGES = 100
    await Export.objects.all().adelete()
    small = await client.ask("GET", "/api/me/export/")

    for answer in (large, small):
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert int(answer.headers["Content-Length"]) == len(answer.content) > 3 * PIECE
        assert len(unpacked(answer.content)["messages.json"]) == 50


async def test_one_that_is_cut_short_is_not_served_but_made_anew(client: Client, link: str) -> None:
    path = next(settings_of.EXPORT_DIR.iterdir())
    path.write_bytes(path.read_bytes()[: HEAD.size + 2 * WHOLE_TOKEN])

    answer = await client.ask("GET", link)

    assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
    await in_database(exports.make, (await Export.objects.aget()).pk)
    assert len(unpacked((await client.ask("GET", link)).content)["messages.json"]) == 50


async def test_one_that_is_damaged_in_the_middle_breaks_off_there_and_is_made_anew(client: Client, link: str) -> None:
    path = next(settings_of.EXPORT_DIR.iterdir())
    content = bytearray(path.read_bytes())
    content[HEAD.size + WHOLE_TOKEN + 1_000] ^= 1
    path.write_bytes(content)

    answer = await client.ask("GET", link)

    assert len(answer.content) == PIECE < int(answer.headers["Content-Length"])
    assert (await client.ask("GET", link)).json()["state"] == "waiting"


async def test_without_its_key_it_is_a_503(client: Client, link: str, settings: Settings) -> None:
    settings.ARCHIVE_ENCRYPTION_KEY = []

    answer = await client.ask("GET", link)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "export_unavailable")
    assert answer.headers["Retry-After"] == "30"


async def test_a_link_is_good_until_it_expires(client: Client, link: str) -> None:
    assert (await client.ask("GET", link)).status_code == 200
    await Export.objects.aupdate(expires_at=timezone.now() - timedelta(seconds=1))

    assert (await client.ask("GET", link)).status_code == 404


async def test_exports_can_not_be_asked_for_without_end(client: Client, settings: Settings) -> None:
    settings.EXPORTS_PER_HOUR = 1

    answers = [await client.ask("GET", "/api/me/export/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
