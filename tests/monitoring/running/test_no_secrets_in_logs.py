"""A mixed run of the whole system: whatever goes wrong, no log of any process says what people wrote, or a secret."""

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import redis
from celery import Celery

from ops.free_port import free_port
from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.acceptance.system import MIRROR_TASK, System, new_id
from tests.support.processes import ROOT, ChildProcess, command_of

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1_500)]

PHRASE = "Kanarya Sokak kuzgun phrase"
EMAIL, PHONE = "kuzgun.kuslar@example.com", "0533 871 92 64"
SAID = f"{PHRASE}, mail {EMAIL} or ring {PHONE}"
CRASH = "kuzgun-crash"
TOKEN = "ei_kuzgun-token-of-nobody"
REDIS_PASSWORD = "kuzgun-redis-password"
SECRETS = {
    "SECRET_KEY": "kuzgun-secret-key-of-django",
    "METRICS_TOKEN": "kuzgun-metrics-token",
    "FLOWER_BASIC_AUTH": "admin:kuzgun-flower-password",
    "MEMORY_ALERT_WEBHOOK_URL": "http://127.0.0.1:1/services/kuzgun-webhook",
}
SPELLINGS = (
    "kuzgun", "kanarya", "kuslar", "871 92 64", "8719264", TOKEN, quote(PHRASE), quote(EMAIL, safe=""),
)  # fmt: skip
FAULTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("status", {"status": 500}), ("status", {"status": 401}), ("status", {"status": 422}),
    ("delay", {"delay_ms": 400}), ("hang", {}), ("drip", {}), ("reset", {}), ("garbage", {}), ("empty", {}),
    ("huge", {}), ("store_then_500", {}), ("store_then_hang", {}), ("status", {"status": 429}),
)  # fmt: skip
WRITE_ONLY_FAULTS = ("store_then_500", "store_then_hang")
# Started with every Python: the reply engine breaks on a word, with an error that repeats what was said.
SABOTAGE = f"""
import assistant.replies as replies
compose = replies.compose
def breaking(said, **more):
    if {CRASH!r} in said:
        raise ValueError(said)
    return compose(said, **more)
replies.compose = breaking
"""
OUTCOMES = {"answered", "replayed", "refused", "conflict", "thread_not_found", "crashed", "database_unavailable"}
EVENTS = {"zep_mirror", "zep_context_timeout", "zep_context_failed", "memory_mode_forced", "redis_unavailable",
          "zep_write_hold_began", "mirror_nudge_failed"}  # fmt: skip


@pytest.fixture(scope="module")
def flower(system: System) -> Iterator[ChildProcess]:
    port = str(free_port())
    environment = {**system.environment, **SECRETS, "FLOWER_PORT": port, "REDIS_URL": with_password(system)}
    child = ChildProcess("flower", command_of("flower"), environment, system.folder, lambda: serves(port))
    yield child
    child.kill()


@pytest.fixture(scope="module")
def mixed_run(system: System, flower: ChildProcess) -> System:
    """Everything that can go wrong, once."""
    sabotage = system.folder / "sabotage"
    sabotage.mkdir()
    (sabotage / "sitecustomize.py").write_text(SABOTAGE)
    let_redis_ask_for_its_password(system)
    hold = {"MEMORY_DOWNGRADE_HOLD_SECONDS": "1", "MEMORY_PROBE_INTERVAL_SECONDS": "1"}
    bounds = {"ZEP_READ_BUDGET_MS": "250", "ZEP_WRITE_TIMEOUT_MS": "1500"}  # much hangs here
    settings = SECRETS | hold | bounds | {"REDIS_URL": with_password(system), "CHAT_RATE_PER_MINUTE": "100000"}
    system.configure(**settings)
    system.web.environment["PYTHONPATH"] = os.pathsep.join([str(sabotage), str(ROOT)])
    system.start("web", "worker", "control", "beat")
    flower.start()
    bad_requests(system)
    for kind, fields in FAULTS:
        for route in ("write",) if kind in WRITE_ONLY_FAULTS else ("read", "write"):
            fail(system, kind, route, fields)
    break_tasks(system)
    lose_the_broker(system)
    lose_a_table(system)
    wait_until(lambda: events_of(system) >= EVENTS, "every kind of trouble to be logged")
    for child in (flower, system.beat, system.web):
        child.stop()
    for node in (system.worker, system.control):
        node.process.stop()
    return system


def fail(system: System, kind: str, route: str, fields: dict[str, object]) -> None:
    """Three turns of one thread meet the fault, once nothing keeps them from asking Zep."""
    if route == "read":
        wait_until(lambda: system.ayse.say(SAID)["trace"]["memory"]["used"], "reads to be on")
    system.standin.fault(kind, route=route, count=4, **fields)
    thread_id = new_id()
    for n in range(3):
        system.ayse.say(f"{n} {SAID}", thread_id=thread_id)
    system.standin.clear()


def bad_requests(system: System) -> None:
    ayse, thread_id, client_msg_id = system.ayse, new_id(), new_id()
    ayse.say(SAID, thread_id=thread_id, client_msg_id=client_msg_id)
    ayse.say(SAID, thread_id=thread_id, client_msg_id=client_msg_id)
    statuses = [
        ayse.post(f"other {SAID}", thread_id=thread_id, client_msg_id=client_msg_id),
        system.mehmet.post(SAID, thread_id=thread_id),
        ayse.post(f"{CRASH} {SAID}"),
        ayse.post(SAID, thread_id=PHONE),
        ayse.post(SAID, client_msg_id=EMAIL),
        raw(system, b'{"message": "' + SAID.encode()),
        raw(system, b'{"message": "' + SAID.encode() * 2_000 + b'"}'),
        raw(system, json.dumps({"message": SAID}).encode(), token=TOKEN),
        httpx.get(f"{system.web_url}/api/{quote(SAID)}?mail={EMAIL}", headers={"Host": EMAIL}, trust_env=False),
        httpx.get(f"{system.web_url}/{quote(SAID)}?token={TOKEN}", trust_env=False),
        httpx.get(f"{system.web_url}/api/metrics/?token={TOKEN}", headers={"X-Real-IP": "1.1.1.1"}, trust_env=False),
    ]
    assert [answer.status_code for answer in statuses] == [409, 404, 500, 422, 422, 400, 413, 401, 400, 404, 401]
    with ThreadPoolExecutor() as pool:  # people who go away
        list(pool.map(lambda _: going_away(system), range(4)))


def raw(system: System, body: bytes, token: str = "") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or system.database.tokens['ayse.yilmaz']}"}
    headers["Content-Type"] = "application/json"
    return httpx.post(
        f"{system.web_url}/api/chat/", content=body, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
    )


def going_away(system: System) -> None:
    headers = {"Authorization": f"Bearer {system.database.tokens['ayse.yilmaz']}"}
    with pytest.raises(httpx.TimeoutException):
        httpx.post(
            f"{system.web_url}/api/chat/", json={"message": SAID}, headers=headers, timeout=0.001, trust_env=False
        )


def break_tasks(system: System) -> None:
    """A task whose argument is no id, one that nobody knows, one that is no task at all."""
    with redis_of(system) as client:
        template = celery_message(system, MIRROR_TASK, [SAID])
        client.lpush("mirror", template, celery_message(system, "assistant.kuzgun.unknown", [SAID]))
    wait_until(lambda: "raised unexpected" in system.worker.process.logs(), "the task to fail")
    wait_until(lambda: "unregistered task" in system.worker.process.logs(), "the unknown task to be told")


def celery_message(system: System, task: str, arguments: list[str]) -> str:
    """A task as it lies in Redis; kombu makes it."""
    queue = new_id()
    app = Celery(broker=with_password(system))
    app.send_task(task, arguments, queue=queue)
    with redis_of(system) as client:
        (message,) = client.lrange(queue, 0, -1)
        client.delete(queue)
    return str(message.decode()).replace(queue, "mirror")


def lose_the_broker(system: System) -> None:
    server = system.broker.server
    server.freeze()
    for _ in range(3):
        system.ayse.say(SAID)
    server.thaw()
    server.kill()
    for _ in range(3):
        system.ayse.say(SAID)
    server.start()  # without a password: whoever sends one is refused
    for _ in range(3):
        system.ayse.say(SAID)
    let_redis_ask_for_its_password(system)
    wait_until(lambda: system.ayse.say(SAID)["trace"]["memory"]["used"], "the guard's state to be there")


def lose_a_table(system: System) -> None:
    """Errors of the database name what was asked of it."""
    system.database.query("ALTER TABLE assistant_message RENAME TO elsewhere")
    assert system.ayse.post(SAID).status_code == 503
    system.database.query("ALTER TABLE elsewhere RENAME TO assistant_message")


def with_password(system: System) -> str:
    return f"redis://:{REDIS_PASSWORD}@127.0.0.1:{system.broker.server.port}/0"


def redis_of(system: System) -> "redis.Redis":
    return redis.Redis.from_url(with_password(system))


def let_redis_ask_for_its_password(system: System) -> None:
    with system.redis() as client:
        client.config_set("requirepass", REDIS_PASSWORD)


def serves(port: str) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return True


def written(system: System) -> dict[str, str]:
    """Every log: what each process printed, and the files that they keep."""
    paths = [*system.folder.glob("*.log"), *system.folder.glob("logs/*.log*"), system.broker.server.folder / "log"]
    return {str(path.relative_to(path.parents[1])): path.read_text(errors="replace") for path in paths}


def lines_of(system: System) -> Iterator[dict[str, Any]]:
    for path in system.folder.glob("logs/*.log*"):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def events_of(system: System) -> set[str]:
    return {line["event"] for line in lines_of(system)}


def test_no_log_repeats_what_people_wrote_or_a_secret(mixed_run: System) -> None:
    logs = written(mixed_run)
    tokens = mixed_run.database.tokens.values()
    secrets = (*SPELLINGS, *SECRETS.values(), REDIS_PASSWORD, mixed_run.standin.api_key, *tokens)

    found = {
        name: [spelling for spelling in secrets if spelling.casefold() in text.casefold()]
        for name, text in logs.items()
    }
    assert {name: spellings for name, spellings in found.items() if spellings} == {}
    for name in ("web", "worker", "control", "beat", "flower"):
        assert logs[f"{mixed_run.folder.name}/{name}.log"]
        assert logs[f"logs/{name}.log"]


def test_the_run_met_what_it_was_to_meet(mixed_run: System) -> None:
    turns = [line["outcome"] for line in lines_of(mixed_run) if line["event"] == "turn"]

    assert set(turns) >= OUTCOMES


def test_no_line_holds_an_address_or_a_query(mixed_run: System) -> None:
    foreign = [line["event"] for line in lines_of(mixed_run) if line["logger"] != "uvicorn.error"]  # it says its own

    assert [event for event in foreign if re.search(r"://|SELECT |INSERT |INTO ", event)] == []
