"""Flower in a whole system: it shows what runs, to those who know the password, what is nobody's business to none."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flower import urls
from prometheus_client.parser import text_string_to_metric_families

from ops.free_port import free_port
from ops.waiting import PATIENCE_SECONDS, wait_until
from tests.acceptance.system import FLOWER_LOG_IN, System
from tests.support import processes

QUEUES = {"mirror", "archive", "default", "control"}
TASKS = {"assistant.tasks.mirror_message", "workers.sweep.sweep", "workers.guard.tick"}
SECRET = "canary-of-a-secret"
PHONE, EMAIL, WORDS = "0533 871 92 64", "canary.kuslar@example.com", "turquoise canaries"
SAID = f"I keep {WORDS}, call {PHONE} or write to {EMAIL}"
DATATABLE = "/tasks/datatable?draw=1&start=0&length=500&order[0][column]=0&columns[0][data]=name"
OPEN = {"/metrics", "/healthcheck"}  # Flower asks nobody for a password here
UNTOUCHABLE = {"/login/?", "/logout", "/static/(.*)", ".*"}
NAME = "(.+)"


def paths() -> list[str]:
    """Every address that Flower knows, with names that fit."""
    known = [getattr(each, "regex", None) or each[0] for each in urls.handlers]
    patterns = [each.pattern.removesuffix("$") if hasattr(each, "pattern") else each for each in known]
    return [path.replace(NAME, "some").replace("(.*)", "some") for path in patterns if path not in UNTOUCHABLE | OPEN]


POSTED = [path for path in paths() if path.startswith("/api/") and path.rpartition("/")[2] == "some"]
each_path = pytest.mark.parametrize("path", paths())
each_order = pytest.mark.parametrize(
    "path", [path for path in POSTED if "/info/" not in path and "/result/" not in path]
)


@pytest.fixture(scope="module")
def busy(system: System) -> System:
    """Everything runs, with secrets in every setting that takes one, and somebody has said something."""
    with system.redis() as client:
        client.acl_setuser(
            "canary", enabled=True, passwords=[f"+{SECRET}"], commands=["+@all"], keys=["*"], channels=["*"]
        )
    url = system.broker.url.replace("redis://", f"redis://canary:{SECRET}@")
    system.configure(
        REDIS_URL=url,
        CACHE_REDIS_URL=url,
        CELERY_BROKER_URL=url,
        METRICS_TOKEN=SECRET,
        SECRET_KEY=SECRET,
        MEMORY_ALERT_WEBHOOK_URL=f"http://127.0.0.1:9/{SECRET}",
    )
    system.start("web", "worker", "control", "beat", "flower")
    answer = system.ayse.say(SAID)
    system.wait_for_mirror(answer["thread_id"], 2)
    return system


@pytest.fixture(scope="module")
def operator(busy: System) -> Iterator[httpx.Client]:
    """Somebody who knows the password."""
    with httpx.Client(base_url=url_of(busy), auth=FLOWER_LOG_IN, trust_env=False, timeout=PATIENCE_SECONDS) as client:
        yield client


@pytest.fixture
def stranger(busy: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url_of(busy), trust_env=False, timeout=PATIENCE_SECONDS) as client:
        yield client


def url_of(system: System) -> str:
    return f"http://127.0.0.1:{system.environment['FLOWER_PORT']}"


def workers(operator: httpx.Client) -> dict[str, Any]:
    """Every worker with what it said of itself, once all have."""

    def told() -> dict[str, Any]:
        found: dict[str, Any] = operator.get("/api/workers", params={"refresh": "1"}).raise_for_status().json()
        return found if len(found) == 2 and all("conf" in each and "stats" in each for each in found.values()) else {}

    return wait_until(told, "both workers to tell of themselves")


def tasks(operator: httpx.Client) -> dict[str, Any]:
    """All tasks by their ids, once each of the usual ones has run."""

    def seen() -> dict[str, Any]:
        found: dict[str, Any] = operator.get("/api/tasks").raise_for_status().json()
        return found if {task["name"] for task in found.values()} >= TASKS else {}

    return wait_until(seen, "tasks of all kinds")


def test_it_shows_both_workers_online_and_all_queues(operator: httpx.Client) -> None:
    found = workers(operator)

    assert {name.partition("@")[0] for name in found} == {"worker", "control"}
    assert {queue["name"] for each in found.values() for queue in each["active_queues"]} == QUEUES
    assert set(operator.get("/api/workers", params={"status": "1"}).json().values()) == {True}
    assert {each["name"] for each in operator.get("/api/queues/length").json()["active_queues"]} == QUEUES
    broker = operator.get("/broker").raise_for_status().text
    assert all(f">{queue}<" in broker.replace(" ", "").replace("\n", "") for queue in QUEUES)


def test_it_shows_the_tasks_that_ran(operator: httpx.Client) -> None:
    found = tasks(operator)

    mirrored = next(task for task in found.values() if task["name"] == "assistant.tasks.mirror_message")
    assert mirrored["state"] == "SUCCESS"
    shown = {row["name"] for row in operator.get(DATATABLE).raise_for_status().json()["data"]}
    assert shown >= TASKS


@each_path
def test_strangers_see_nothing(stranger: httpx.Client, path: str) -> None:
    logins = (None, ("admin", "wrong"), ("", ""), ("admin", "şifre"), (FLOWER_LOG_IN[0], FLOWER_LOG_IN[1].upper()))

    answers = {stranger.get(path, auth=login or httpx.USE_CLIENT_DEFAULT).status_code for login in logins}

    assert answers <= {401, 405, 500}  # 405: what takes orders alone; 500: what is not ASCII, Flower cannot compare


@each_order
def test_nobody_gives_orders_through_it(stranger: httpx.Client, operator: httpx.Client, path: str) -> None:
    """Strangers because they are, those who know the password because it only shows."""
    assert stranger.post(path).status_code == 401
    assert stranger.post(path, auth=("admin", "wrong")).status_code == 401
    assert operator.post(path).status_code == 403
    assert operator.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert operator.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_task_cannot_be_sent_or_revoked_nor_a_worker_ended(busy: System, operator: httpx.Client) -> None:
    name = next(each for each in workers(operator) if each.startswith("worker@"))
    before = len(busy.database.messages())

    for path in (f"/api/worker/shutdown/{name}", "/api/task/send-task/workers.sweep.sweep", "/api/task/revoke/some"):
        assert operator.post(path, json={"args": []}).status_code == 403, path

    assert busy.worker.process.is_running
    busy.ayse.say("Hello")
    wait_until(lambda: busy.database.states().count("mirrored") == before + 2, "the worker to go on working")


def test_where_it_may_give_orders_other_sites_may_not(busy: System) -> None:
    """`FLOWER_READ_ONLY=false`: what a browser sends along by itself is not enough."""
    environment = {**busy.flower.environment, "FLOWER_READ_ONLY": "false", "FLOWER_PORT": str(free_port())}
    ordering = processes.flower(environment, busy.folder)
    url = f"http://127.0.0.1:{environment['FLOWER_PORT']}/api/task/revoke/some"
    foreign = ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"})
    try:
        ordering.start()
        with httpx.Client(auth=FLOWER_LOG_IN, trust_env=False, timeout=PATIENCE_SECONDS) as client:
            assert {client.post(url, headers=headers).status_code for headers in foreign} == {403}
            assert client.post(url).status_code == 200
    finally:
        ordering.kill()


def test_other_sites_may_not_read_it(operator: httpx.Client) -> None:
    answer = operator.get("/api/tasks", headers={"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_it_listens_on_loopback_alone(busy: System) -> None:
    port = f":{int(busy.environment['FLOWER_PORT']):04X}"
    with open("/proc/net/tcp", encoding="ascii") as ipv4, open("/proc/net/tcp6", encoding="ascii") as ipv6:
        local = [
            line.split()[1] for line in (*ipv4, *ipv6) if line.split()[1].endswith(port) and line.split()[3] == "0A"
        ]

    assert local == [f"0100007F{port}"]


def test_nothing_it_shows_is_personal_or_secret(busy: System, operator: httpx.Client) -> None:
    names, ids = list(workers(operator)), list(tasks(operator))
    shown = {
        path: operator.get(path).text
        for path in (
            *("/", "/workers", "/workers?json=1", "/tasks", DATATABLE, "/broker", "/metrics", "/healthcheck"),
            *("/api/workers", "/api/workers?refresh=1", "/api/tasks", "/api/task/types", "/api/queues/length"),
            *(f"/worker/{name}" for name in names),
            *(f"{page}/{task}" for task in ids[:20] for page in ("/task", "/api/task/info")),
        )
    }

    key, tokens = busy.standin.api_key, busy.database.tokens.values()
    digits = "".join(filter(str.isdigit, PHONE))
    canaries = (SECRET, WORDS, "canaries", PHONE, digits, EMAIL, "kuslar", key, FLOWER_LOG_IN[1], *tokens)
    found = [(path, canary) for path, text in shown.items() for canary in canaries if canary in text]
    assert found == []
    assert all(shown.values())
    assert not any(canary in busy.flower.logs() for canary in canaries)


def test_of_a_task_that_failed_it_shows_the_kind_of_error_alone(busy: System, operator: httpx.Client) -> None:
    """As PostgreSQL would, the database quotes the row that it refuses."""
    busy.database.query(
        "CREATE TRIGGER refusal BEFORE UPDATE OF lease_fence ON assistant_thread"
        f" BEGIN SELECT RAISE(ABORT, 'Failing row contains ({WORDS})'); END"
    )
    try:
        busy.ayse.say("hello")
        failed = wait_until(lambda: operator.get("/api/tasks?state=FAILURE").json(), "a task to fail")
    finally:
        busy.database.query("DROP TRIGGER refusal")

    assert {task["exception"] for task in failed.values()} == {"IntegrityError"}
    for path in ("/api/tasks", DATATABLE, *(f"/task/{task_id}" for task_id in failed)):
        assert WORDS not in operator.get(path).text


def test_its_metrics_tell_of_tasks_and_workers_alone(stranger: httpx.Client, operator: httpx.Client) -> None:
    seen = tasks(operator)

    text = stranger.get("/metrics").raise_for_status().text

    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("flower_")]
    samples = [each for family in families for each in family.samples]
    named = {each.labels["task"] for each in samples if each.name == "flower_events_total" and each.labels["task"]}
    assert named >= TASKS
    assert {label for each in samples for label in each.labels} == {"worker", "task", "type", "le"}
    assert [each.value for each in samples if each.name == "flower_worker_online"] == [1, 1]
    assert not any(task in text for task in seen)
    assert len(samples) < 500
