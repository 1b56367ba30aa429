"""A telephone number and an e-mail address are searched for everywhere but where they belong: the messages' text."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.waiting import wait_until
from tests.acceptance.system import System, new_id

PHONE, EMAIL = "0533 871 92 64", "canary.kuslar@example.com"
SPELLINGS = (PHONE, "05338719264", "5338719264", "533 871 92 64", "871 92 64", EMAIL, "canary.kuslar")
SAID = f"my number is {PHONE}, mail {EMAIL}"


def found_in(content: bytes | str) -> list[str]:
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    return [spelling for spelling in SPELLINGS if spelling in text]


def redis_content(system: System) -> str:
    """Every key and value, messages of the queues decoded."""
    with system.redis() as redis:
        keys = list(redis.scan_iter(count=1000))
        readers: dict[object, Callable[[Any], object]] = {
            b"string": redis.get,
            b"hash": redis.hgetall,
            b"set": redis.smembers,
            b"list": lambda key: redis.lrange(key, 0, -1),
            b"zset": lambda key: redis.zrange(key, 0, -1),
        }
        values = [(key, readers[redis.type(key)](key)) for key in keys]
        queued = [json.loads(message)["body"] for message in redis.lrange("mirror", 0, -1)]
    return repr(values) + repr([base64.b64decode(body) for body in queued])


def files_below(folder: Path) -> dict[str, list[str]]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("db.sqlite3")]
    return {path.name: found for path in files if (found := found_in(path.read_bytes()))}


def test_a_queued_task_and_redis_hold_no_personal_data(system: System) -> None:
    system.start("web")
    turn = system.ayse.say(SAID)
    wait_until(lambda: system.queued("mirror") == 1, "the task to be queued")

    content = redis_content(system)

    assert turn["client_msg_id"] in content
    assert found_in(content) == []


def test_personal_data_stays_in_the_messages_text(system: System) -> None:
    system.start("web", "worker", "control")
    system.standin.fault("status", route="write", status=503, count=1)
    thread_id = new_id()
    system.ayse.say(SAID, thread_id=thread_id)
    system.ayse.say(SAID)
    assert system.ayse.post(SAID, thread_id=SPELLINGS[1]).status_code == 422
    assert system.ayse.post(SAID, client_msg_id=SAID).status_code == 422
    wait_until(lambda: "mirrored" in system.database.states(), "messages to be mirrored")
    system.database.let_retries_come_due()
    system.ayse.say(SAID, thread_id=thread_id)
    wait_until(lambda: {*system.database.states()} == {"mirrored"}, "all messages to be mirrored")

    everywhere: dict[str, bytes | str] = {
        "stand-in": b"".join(path.read_bytes() for path in system.standin.data.parent.iterdir()),
        "stand-in log": json.dumps(system.standin.log()),
        "redis": redis_content(system),
        "metrics": repr([system.web_metrics(), system.metrics_of(system.worker), system.metrics_of(system.control)]),
        "logs": "".join(child.logs() for child in (system.web, system.worker, system.control)),
    }
    assert {place: found for place, content in everywhere.items() if (found := found_in(content))} == {}
    assert files_below(system.folder) == {}
    assert system.database.columns_holding(SPELLINGS) == {"assistant_message.text"}
    assert "[PHONE]" in system.standin.thread(thread_id).contents[0]
