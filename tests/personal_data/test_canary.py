"""A canary's phrases are searched for, byte by byte, everywhere a running system keeps anything, after their erasure.

A system of its own: real web, worker, control and beat, real Redis, a real Zep stand-in. The erasure is asked for while
the mirror is in the middle of a call that Zep stores and never answers, with an archive stored and an export ready.
"""

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.api.me_schemas import ERASE_ME
from assistant.archive import marks
from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.acceptance import fixtures
from tests.acceptance.system import AYSE, System

pytestmark = pytest.mark.rehearsal

(
    standin,
    celery_broker_cluster,
    celery_backend_cluster,
    celery_worker_cluster,
    system,
    running_system,
) = fixtures.of_scope("module", web_workers=1, patient=False)
# What they call their threads: contract and redactor take these for ids.
FIRST, SECOND, ASKED_FOR = "leyla_oz_1985-03-02", "ayse-gmail-com", "passport-U1234567"
CHOSEN = (FIRST.encode(), SECOND.encode(), ASKED_FOR.encode())
# Words of theirs; their name; what the stand-in's graph learns of the first.
WORDS = (b"kanarya kafesi", b"Tatlisu yolunda", b"ayse.yilmaz", b"612 pounds", b"budget of 612", b"\xc2\xa3612")
PHRASES = (*WORDS, *CHOSEN)
# The stand-in logs each request's address for the tests. Whether a Zep does is its operator's to say; see the data map.
ADDRESS_AT_ZEP = re.compile(rb"/api/v2/sessions/[A-Za-z0-9_-]+")
SAID = ("my budget is 612 pounds, near kanarya kafesi", "2 bedrooms at Tatlisu yolunda, to rent")


def ask(system: System, method: str, path: str, body: dict[str, object] | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {system.database.tokens[AYSE]}"}
    url = f"{system.web_url}{path}"
    return httpx.request(method, url, json=body, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)


def read(receipt: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(receipt, timeout=PATIENCE_SECONDS, trust_env=False).raise_for_status().json()
    return answer


def everything_kept(system: System) -> Iterator[tuple[str, bytes]]:
    """Every file of the system and of the stand-in with its name, and every key and value of Redis."""
    folders = {system.folder, system.standin.data.parent, system.broker.server.folder}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                content = path.name.encode() + path.read_bytes()
                content = content if folder == system.folder else ADDRESS_AT_ZEP.sub(b"", content)
                yield str(path.relative_to(folder.parent)), content
    with system.redis() as redis:
        for key in redis.scan_iter(count=1000):
            yield f"redis {key!r}", redis.dump(key) or b""
            yield f"redis {key!r}, as text", repr(value_of(redis, key)).encode() + key


def value_of(redis: Any, key: bytes) -> object:
    match redis.type(key):
        case b"string":
            return redis.get(key)
        case b"hash":
            return redis.hgetall(key)
        case b"set":
            return redis.smembers(key)
        case b"list":
            return redis.lrange(key, 0, -1)
        case b"zset":
            return redis.zrange(key, 0, -1, withscores=True)
    return redis.dump(key)


def found(system: System) -> dict[str, list[bytes]]:
    places = {name: [each for each in PHRASES if each in content] for name, content in everything_kept(system)}
    return {name: phrases for name, phrases in places.items() if phrases}


def show(what: str, facts: dict[str, Any]) -> None:
    """For those who run it with -s: what the search finds."""
    lines = [f"  {name}: {value}" for name, value in facts.items()] or ["  nothing"]
    sys.stdout.write("\n".join([f"{what}:", *lines, ""]))


def names_in(archives: Path) -> list[str]:
    found = archives.iterdir() if archives.exists() else ()
    return [path.name for path in found if not marks.is_mark(path.name)]


def ask_for_one_by_its_address(system: System) -> None:
    """Over the web, and as somebody does who wants a WebSocket."""
    assert ask(system, "DELETE", f"/api/threads/{ASKED_FOR}/", {"confirm": "no such thread"}).status_code in (404, 422)
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    handshake |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    url = f"{system.web_url}/ws/chat/{ASKED_FOR}/"
    httpx.get(url, headers=handshake, timeout=PATIENCE_SECONDS, trust_env=False)


def test_after_an_erasure_no_place_holds_a_word_of_theirs(system: System) -> None:
    system.configure(
        EXPORT_INLINE_MESSAGES="0",
        ARCHIVE_MAX_MESSAGES_IN_MEMORY="3",
        ARCHIVE_RECENT_CONTEXT_WINDOW="2",
        ARCHIVE_INTERVAL_SECONDS="2",
    )
    system.start("web", "worker", "control", "beat")
    for said in SAID:
        system.ayse.say(said, thread_id=FIRST)
    system.wait_for_mirror(FIRST, 4)
    ask_for_one_by_its_address(system)
    system.mehmet.say("somebody else's words")
    url = ask(system, "GET", "/api/me/export/").json()["url"]
    wait_until(lambda: ask(system, "GET", url).status_code == 200, "the export to be made")
    archives = system.folder / "archive"
    wait_until(lambda: names_in(archives), "an archive to be stored")
    before = found(system)
    show("before", before)
    system.standin.fault("store_then_hang", route="write", path=f"/sessions/{SECOND}/memory")
    system.ayse.say(SAID[0], thread_id=SECOND)
    system.wait_for_request("POST", f"{SECOND}/memory")

    accepted = ask(system, "DELETE", "/api/me/", {"confirm": ERASE_ME})
    assert accepted.status_code == 202, accepted.text
    receipt = f"{system.web_url}{accepted.json()['url']}"
    wait_until(lambda: read(receipt)["state"] == "completed", "the erasure to be complete")

    show("receipt", read(receipt))
    for place in ("db.sqlite3", "zep.sqlite3", "appendonly", "mem:ctx:v1"):
        assert any(place in name for name in before), "the search would not have found it"
    in_files = [name for name, phrases in before.items() if ("log" in name or "archive" in name) and phrases]
    assert in_files == [], "logs and names of archives outlive an erasure"
    after = found(system)
    show("after", after)
    assert after == {}
    assert names_in(archives) == []
    assert list((system.folder / "exports").iterdir()) == []
    assert ask(system, "GET", "/api/me/").status_code == 401
    with closing(sqlite3.connect(system.folder / "db.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM assistant_message").fetchone()[0] == 2  # mehmet's
