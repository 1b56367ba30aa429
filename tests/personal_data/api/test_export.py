"""`/api/me/export/`: everything held, through the real application."""

import io
import json
import zipfile
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from assistant.database import in_database
from assistant.memory import mirror
from assistant.models import Export
from assistant.personal_data import exports
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
