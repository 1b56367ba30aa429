"""Debian's Prometheus and Alertmanager as processes of a test, with the project's own files as configuration.

Knows their command lines and Prometheus's HTTP API. Only addresses and intervals of the committed files are changed.
"""

import copy
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import loads
from pathlib import Path
from threading import Thread
from time import time
from typing import Any

import httpx
import yaml

from ops.free_port import free_port
from ops.waiting import wait_until
from tests.acceptance.system import System
from tests.ops.alerts.promtool import ALERTS
from tests.support.exported import PROMETHEUS
from tests.support.processes import ChildProcess, answers_ok

Json = dict[str, Any]
SCRAPE_SECONDS = 1
ANSWER_SECONDS = 60.0
ADDRESSES = {
    "web": "WEB_PORT",
    "worker": "WORKER_METRICS_PORT",
    "control": "CONTROL_METRICS_PORT",
    "flower": "FLOWER_PORT",
}


@dataclass(frozen=True)
class Sample:
    labels: dict[str, str]
    value: float


class Prometheus:
    """A Prometheus that scrapes one system each second; its data is in `folder`."""

    def __init__(self, folder: Path, system: System, rules: str, alertmanager: str = "") -> None:
        folder.mkdir(parents=True)
        (folder / "rules.yml").write_text(rules)
        configuration = configuration_for(system.environment, folder / "rules.yml", alertmanager)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        command = [
            _installed("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--rules.alert.resend-delay=1s",
            "--log.level=warn",
        ]
        self.process = ChildProcess(
            "prometheus", command, os.environ, folder, lambda: answers_ok(f"{self.url}/-/ready")
        )

    def query(self, expression: str, at: float | None = None) -> list[Sample]:
        """What an instant query returns; a scalar as one sample without labels."""
        answer = self._ask("query", query=expression, **({} if at is None else {"time": at}))
        if answer["resultType"] == "scalar":
            return [Sample({}, float(answer["result"][1]))]
        return [Sample(each["metric"], float(each["value"][1])) for each in answer["result"]]

    def number(self, expression: str, at: float | None = None) -> float | None:
        """The only value of a query, None where there is none."""
        found = self.query(expression, at)
        assert len(found) < 2, found
        return found[0].value if found else None

    def has_series(self, expression: str, start: float, end: float) -> bool:
        """Whether the query returned anything at any second of that time."""
        return bool(self._ask("query_range", query=expression, start=start, end=end, step=1)["result"])

    def alerts(self) -> list[Json]:
        """Those that are pending or firing."""
        found: list[Json] = self._ask("alerts")["alerts"]
        return found

    def wait_until_scraped(self, since: float) -> None:
        """Wait until every target was scraped after `since`, and every rule evaluated after that."""
        wait_until(lambda: self.number("sum(up)") == len(ADDRESSES), "all targets to be up")
        wait_until(lambda: (self.number("min(timestamp(up))") or 0) > since, "all targets to be scraped")
        scraped = time()
        wait_until(lambda: self._oldest_evaluation() > scraped, "the rules to be evaluated")

    def _oldest_evaluation(self) -> float:
        groups = self._ask("rules")["groups"]
        return min(datetime.fromisoformat(group["lastEvaluation"]).timestamp() for group in groups)

    def _ask(self, what: str, **parameters: Any) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=ANSWER_SECONDS, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()["data"]


@contextmanager
def running(process: ChildProcess) -> Iterator[None]:
    try:
        process.start()
        yield
    finally:
        process.kill()


def configuration_for(environment: Mapping[str, str], rules: Path, alertmanager: str) -> Json:
    """The committed file with the system's addresses, scraping and evaluating each second."""
    made: Json = copy.deepcopy(yaml.safe_load(PROMETHEUS.read_text()))
    every = f"{SCRAPE_SECONDS}s"
    made["global"] = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    made["rule_files"] = [str(rules)]
    made["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager] if alertmanager else []}]}]
    assert {job["job_name"] for job in made["scrape_configs"]} == set(ADDRESSES)
    for job in made["scrape_configs"]:
        port = environment[ADDRESSES[job["job_name"]]]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    return made


class Alertmanager:
    """An Alertmanager with the committed routes and inhibitions, whose receivers are all `telephone`."""

    def __init__(self, folder: Path, telephone: "Telephone") -> None:
        folder.mkdir(parents=True)
        committed: Json = yaml.safe_load((ALERTS / "alertmanager.yml").read_text())
        receivers = [
            {"name": name, "webhook_configs": [{"url": f"{telephone.url}/{name}", "send_resolved": True}]}
            for name in (receiver["name"] for receiver in committed["receivers"])
        ]
        own = {"route": _hurried(committed["route"]), "receivers": receivers}
        (folder / "alertmanager.yml").write_text(yaml.safe_dump({"inhibit_rules": committed["inhibit_rules"]} | own))
        self.address = f"127.0.0.1:{free_port()}"
        command = [
            _installed("prometheus-alertmanager"),
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        ready = f"http://{self.address}/-/ready"
        self.process = ChildProcess("alertmanager", command, os.environ, folder, lambda: answers_ok(ready))


@dataclass(frozen=True)
class Call:
    """What one receiver was told, when, and of which alert. `reason`: that label, where it has it."""

    at: float
    receiver: str
    alert: str
    status: str
    reason: str


class Telephone:
    """All of Alertmanager's receivers: remembers who was told what."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        telephone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                told = loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver = self.path.strip("/")
                telephone.calls += [_call(receiver, alert) for alert in told["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Telephone":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def told(self, receiver: str, alert: str, status: str, reason: str = "") -> list[Call]:
        """All such calls in their order; without a reason, of any."""
        wanted = (receiver, alert, status)
        calls = [call for call in self.calls if (call.receiver, call.alert, call.status) == wanted]
        return [call for call in calls if reason in ("", call.reason)]


def _call(receiver: str, alert: Json) -> Call:
    labels = alert["labels"]
    return Call(time(), receiver, labels["alertname"], alert["status"], labels.get("reason", ""))


def _hurried(route: Json) -> Json:
    """The route with waits of a second, and those below it."""
    waits = {"group_wait": "1s", "group_interval": "1s"}
    below = [_hurried(each) for each in route.get("routes", [])]
    return {**route, **waits, **({"routes": below} if below else {})}


def _installed(program: str) -> str:
    path = shutil.which(program)
    assert path, f"{program} is not installed: apt-get install prometheus prometheus-alertmanager"
    return path
