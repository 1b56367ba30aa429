"""One whole system for tests: its processes, its Redis, its Zep, its database, and people who talk to it over HTTP."""

import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import redis
from prometheus_client.parser import text_string_to_metric_families

from assistant.memory.guard_scripts import EPOCH_KEY, INITIALISED_KEY
from ops.free_port import free_port
from ops.waiting import wait_until
from ops.zep_standin.process import StandIn
from tests.acceptance.database import Database
from tests.support import processes
from tests.support.celery_nodes import BrokerNode, WorkerNode
from tests.support.processes import ChildProcess

Json = dict[str, Any]
Samples = dict[str, float]
ANSWER_SECONDS = 60.0  # the product's own bounds are far below: a turn that hangs is found by its trace
MIRROR_TASK, SWEEP_TASK = "assistant.tasks.mirror_message", "workers.sweep.sweep"
FLOWER_LOG_IN = ("admin", "a-password-of-flower")
AYSE, MEHMET = "ayse.yilmaz", "mehmet.kaya"


PATIENT = {
    "PYTHONPATH": os.pathsep.join([str(processes.ROOT / "tests/support/patient"), str(processes.ROOT)]),
    "ZEP_READ_BUDGET_MS": "30000",
    "ZEP_WRITE_TIMEOUT_MS": "14000",  # less than a lease
    "MEMORY_DOWNGRADE_PROBE_TIMEOUT_MS": "2000",
}


def environment_of(
    folder: Path, broker_url: str, standin: StandIn, *, web_workers: int, patient: bool
) -> dict[str, str]:
    """Everything that the processes of one system are told; ports nobody else has.

    `patient`: on a busy machine nothing that works is too late. Otherwise all bounds are production's.
    """
    names = ("WEB_PORT", "WORKER_METRICS_PORT", "CONTROL_METRICS_PORT", "FLOWER_PORT")
    ports = {name: str(free_port()) for name in names}
    return {
        **os.environ,
        **(PATIENT if patient else {}),
        **ports,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),  # the Procfile says `python`
        "LOCAL_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "REDIS_URL": broker_url,
        "ZEP_BASE_URL": standin.url,
        "ZEP_API_KEY": standin.api_key,
        "FLAG_ZEP_READ": "true",
        "FLAG_ZEP_WRITE": "true",
        "WEB_CONCURRENCY": str(web_workers),
        "FLOWER_BASIC_AUTH": ":".join(FLOWER_LOG_IN),
    }


class Person:
    """Somebody with a token. Each request has a connection of its own, so that either web worker may get it."""

    def __init__(self, web_url: str, token: str) -> None:
        self._url, self._headers = f"{web_url}/api/chat/", {"Authorization": f"Bearer {token}"}

    def post(self, message: str, **more: str) -> httpx.Response:
        body = {"message": message, **more}
        return httpx.post(self._url, json=body, headers=self._headers, timeout=ANSWER_SECONDS, trust_env=False)

    def say(self, message: str, **more: str) -> Json:
        """Send a message that must be answered with 200; return the answer."""
        response = self.post(message, **more)
        assert response.status_code == 200, response.text
        answer: Json = response.json()
        return answer


@dataclass
class System:
    """The parts; all of them are made stopped, but for Zep."""

    folder: Path
    environment: dict[str, str]
    broker: BrokerNode
    standin: StandIn
    database: Database
    worker: WorkerNode
    second_worker: WorkerNode
    control: WorkerNode

    def __post_init__(self) -> None:
        self.web = processes.web(self.environment, self.folder)
        self.beat = processes.beat(self.environment, self.folder)
        self.flower = processes.flower(self.environment, self.folder)
        self.web_url = f"http://127.0.0.1:{self.environment['WEB_PORT']}"

    def configure(self, **settings: str) -> None:
        """Start the processes with these settings from now on."""
        for name in ("web", "worker", "second_worker", "control", "beat", "flower"):
            self._child(name).environment.update(settings)

    def make_guard_state(self) -> None:
        """As the control worker leaves it: without, nobody reads."""
        with self.redis() as client:
            client.mset({INITIALISED_KEY: 1, EPOCH_KEY: 1})

    def start(self, *names: str) -> None:
        """Start the named processes side by side, and return once all of them do their work."""
        children = [self._child(name) for name in names]
        for child in children:
            child.launch()
        for child in children:
            child.wait_until_up()

    def _child(self, name: str) -> ChildProcess:
        part = getattr(self, name)
        return part if isinstance(part, ChildProcess) else part.process

    def close(self) -> None:
        self.web.kill()
        self.beat.kill()
        self.flower.kill()

    # People

    def person(self, name: str) -> Person:
        return Person(self.web_url, self.database.tokens[name])

    @property
    def ayse(self) -> Person:
        return self.person(AYSE)

    @property
    def mehmet(self) -> Person:
        return self.person(MEHMET)

    # Zep

    def wait_for_mirror(self, thread_id: str, count: int) -> None:
        """Wait until the rows say that so many messages of the thread are mirrored, and none waits."""

        def mirrored() -> bool:
            return self.database.states(thread_id) == ["mirrored"] * count

        try:
            wait_until(mirrored, f"{count} mirrored messages")
        except AssertionError as error:
            error.add_note(f"rows: {self.database.states(thread_id)}; Zep: {self.standin.log()[-8:]}")
            raise

    def wait_for_request(self, method: str, ending: str, *, count: int = 1, after: int = 0) -> list[Json]:
        """Wait until Zep has logged so many requests whose path ends so; return them."""
        return wait_until(
            lambda: found if len(found := self.requests(method, ending, after=after)) >= count else [],
            f"{count} {method} …{ending} at Zep",
        )

    def requests(self, method: str, ending: str, *, after: int = 0) -> list[Json]:
        log = self.standin.log(after)
        return [entry for entry in log if entry["method"] == method and entry["path"].endswith(ending)]

    def sent_uuids(self, thread_id: str) -> list[str]:
        """The uuid of every message in every attempt to add to the thread, in the order of the attempts."""
        return [uuid for entry in self.requests("POST", f"{thread_id}/memory") for uuid in entry["message_uuids"]]

    # Queues

    @contextmanager
    def redis(self) -> Iterator["redis.Redis"]:
        client = redis.Redis.from_url(self.broker.url)
        try:
            yield client
        finally:
            client.close()

    def queued(self, queue: str) -> int:
        with self.redis() as client:
            return int(client.llen(queue))

    def unacknowledged(self) -> int:
        """How many tasks were delivered and are not acknowledged, those of dead workers among them."""
        with self.redis() as client:
            return int(client.hlen("unacked"))

    def wait_until_idle(self, *, unacknowledged: int = 0) -> None:
        """Wait until every task was taken and done, but for as many as dead workers had in hand."""
        wait_until(
            lambda: not any(map(self.queued, ("mirror", "control"))) and self.unacknowledged() == unacknowledged,
            "all tasks to be done",
        )

    # Metrics

    def web_metrics(self) -> Samples:
        return metrics_at(f"{self.web_url}/api/metrics/")

    def metrics_of(self, node: WorkerNode) -> Samples:
        return metrics_at(node.metrics_url)


def metrics_at(url: str) -> Samples:
    """Every sample by `name{label="value",…}`, labels in alphabetical order."""
    text = httpx.get(url, timeout=ANSWER_SECONDS, trust_env=False).raise_for_status().text
    families = text_string_to_metric_families(text)
    return {sample_name(each.name, each.labels): each.value for family in families for each in family.samples}


def sample_name(name: str, labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


def new_id() -> str:
    return str(uuid.uuid4())


def sent_ids(answer: Json) -> list[str]:
    """The `client_msg_id` of a turn's message and of its reply."""
    return [answer["client_msg_id"], answer["reply"]["client_msg_id"]]


def assert_arrived_once_in_order(system: System, *turns: Json) -> None:
    """Zep holds exactly the messages of these turns of one thread, each once, in the order of the turns."""
    held = system.standin.thread(turns[0]["thread_id"])
    assert [m["metadata"]["client_msg_id"] for m in held.messages] == [one for turn in turns for one in sent_ids(turn)]
