"""pytest-celery's nodes over local processes: what it takes for a container is a Redis or a `celery worker` of ours.

Knows both worlds' words for the same things (kill, restart, logs, ready). A node is made stopped; `start` starts it.
"""

import signal as signals
from pathlib import Path
from typing import Any

from celery import Celery
from pytest_celery import (  # type: ignore[import-untyped]  # the plugin ships no type information
    CeleryTestBroker,
    CeleryTestContainer,
    CeleryTestWorker,
)

from ops.redis_process import RedisProcess
from tests.support.processes import ChildProcess, Environment, answers_ok, command_of

QUEUES = {"worker": "mirror,archive,default", "control": "control"}
METRICS_PORTS = {"worker": "WORKER_METRICS_PORT", "control": "CONTROL_METRICS_PORT"}


class RedisNode(RedisProcess):
    """The real Redis-protocol server, asked as the other nodes are."""

    def launch(self) -> None:
        self.start()

    def wait_until_up(self) -> None:
        """`start` has waited."""

    def logs(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


class ProcessContainer(CeleryTestContainer):  # type: ignore[misc]  # the plugin ships no type information
    """A process in a container's clothes: what pytest-celery asks of Docker is answered by the process."""

    def __init__(self, name: str, process: ChildProcess | RedisNode) -> None:
        self._name, self.process = name, process

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        return self._name

    @property
    def status(self) -> str:
        return "running" if self.process.is_running else "exited"

    @property
    def celeryconfig(self) -> dict[str, Any]:
        url = getattr(self.process, "url", None)
        return {} if url is None else {"url": url, "host_url": url}

    def ready(self) -> bool:
        """Wait until it does its work."""
        self.process.wait_until_up()
        return self.process.is_running

    def logs(self) -> str:
        return self.process.logs()

    def reload(self) -> None:
        """A process is always as it is."""

    def kill(self, signal: str | int | None = "SIGKILL") -> None:
        """SIGKILL ends it at once; after another signal the process decides when it has ended."""
        number = signals.Signals[signal] if isinstance(signal, str) else signals.Signals(signal or signals.SIGKILL)
        if number is signals.SIGKILL or isinstance(self.process, RedisProcess):
            self.process.kill()
        else:
            self.process.send(number)

    def restart(self, timeout: float = 20) -> None:
        """As Docker does: stop it where it runs, start it, and wait until it does its work."""
        if self.process.is_running:
            self.process.stop()
        self.process.launch()
        self.process.wait_until_up()

    def teardown(self) -> None:
        self.process.kill()


class BrokerNode(CeleryTestBroker):  # type: ignore[misc]  # the plugin ships no type information
    """The broker, which is also the state and the cache here, as in the default installation."""

    container: ProcessContainer

    def __init__(self, folder: Path, port: int) -> None:
        self.server = RedisNode(folder / "redis", port)
        super().__init__(ProcessContainer("redis", self.server))

    @property
    def url(self) -> str:
        return self.server.url


class WorkerNode(CeleryTestWorker):  # type: ignore[misc]  # the plugin ships no type information
    """A `celery worker` of one role, by the Procfile's own line; up once its metrics port answers."""

    container: ProcessContainer

    def __init__(self, role: str, environment: Environment, folder: Path, *, name: str = "") -> None:
        self.role, self._worker_name = role, name or role
        self.environment, self.folder = environment, folder
        self.metrics_url = f"http://127.0.0.1:{environment[METRICS_PORTS[role]]}/metrics"
        command = [part.replace(f"{role}@", f"{self._worker_name}@") for part in command_of(role)]
        self.process = ChildProcess(
            self._worker_name, command, environment, folder, lambda: answers_ok(self.metrics_url)
        )
        super().__init__(ProcessContainer(self._worker_name, self.process), app=Celery())

    @property
    def worker_name(self) -> str:
        return self._worker_name

    @property
    def worker_queue(self) -> str:
        return QUEUES[self.role]

    @property
    def log_level(self) -> str:
        return "INFO"
