"""The whole system of compose.yaml without containers: the image's steps, the services' own commands and environments.

Another user runs it where the tests run as root. What is replaced: names of hosts by loopback with ports of this
machine, and PostgreSQL's image by the installed server.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ops.deploy import make_secrets
from ops.free_port import free_port
from ops.launcher import redis_server
from ops.postgres_process import PostgresProcess
from ops.zep_standin.process import StandIn
from tests.deploy.image import Image
from tests.deploy.test_compose import EXAMPLE, PROCESSES, service
from tests.support.processes import ROOT, ChildProcess, answers_ok

NOBODY = 65534
HOST = "chat.example.org"
PORTS = ("WEB_PORT", "WORKER_METRICS_PORT", "CONTROL_METRICS_PORT", "FLOWER_PORT")
INTERPRETERS = ("python3.13", "python3.12", "python3.11", "python3")


def as_nobody() -> list[str]:
    """What runs a command as somebody without rights; nothing where we are nobody already."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def python_of_nobody() -> str | None:
    """A Python that is new enough, and that the user without rights may run."""
    fits = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    for found in filter(None, ("/usr/bin/python3", *map(shutil.which, INTERPRETERS), sys.executable)):
        done = subprocess.run([*as_nobody(), found, "-c", fits], cwd="/", capture_output=True, check=False)
        if done.returncode == 0:
            return found
    return None


class Whole:
    """The servers, and the processes of ours by their names in compose.yaml."""

    def __init__(self, folder: Path, image: Image, postgres: PostgresProcess, standin: StandIn) -> None:
        self.folder, self.image, self.standin = folder, image, standin
        self.ports = {name: free_port() for name in PORTS}
        self.secrets = folder / "run/secrets"
        make_secrets.make(self.secrets)
        self.servers = [self._redis(name) for name in ("redis", "cache")]
        self._tell("database_url", postgres.create("easy_islanders"))
        self._tell("zep_api_key", standin.api_key)
        self.secrets.chmod(0o755)  # as a container sees its own
        self.children = {name: self._child(name) for name in PROCESSES}

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['WEB_PORT']}"

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text(encoding="utf-8").strip()

    def _tell(self, name: str, value: str) -> None:
        (self.secrets / name).write_text(f"{value}\n", encoding="utf-8")

    def environment(self, name: str) -> dict[str, str]:
        """What the container is told: by the image, the example of settings, and the compose file."""
        example = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
        told: Mapping[str, str] = service(name)["environment"]
        here = {key: value.replace("/run/secrets", str(self.secrets)) for key, value in told.items()}
        loopback = dict.fromkeys(("WEB_HOST", "METRICS_HOST", "FLOWER_HOST", "TRUSTED_PROXIES"), "127.0.0.1")
        zep = {"ZEP_BASE_URL": self.standin.url, "FLAG_ZEP_WRITE": "true", "FLAG_ZEP_READ": "true"}
        own = {"LOCAL_DIR": str(self._own(self.folder / "state" / name))}  # each container has a tmpfs of its own
        return self.image.environment | example | here | loopback | zep | own | self._ports()

    def _ports(self) -> dict[str, str]:
        return {name: str(port) for name, port in self.ports.items()}

    def _own(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        return folder

    def _redis(self, name: str) -> ChildProcess:
        """The service's own command with the bundled server."""
        port, data = free_port(), self._own(self.folder / "state" / name)
        _, configuration, *options = service(name)["command"]
        command = [redis_server.binary(), configuration.replace("/run/secrets", str(self.secrets)), *options]
        secret = {"redis": "redis_url", "cache": "cache_redis_url"}[name]
        url = self.secret(secret).replace(f"{name}:6379", f"127.0.0.1:{port}")
        self._tell(secret, url)
        own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(data)]
        return ChildProcess(name, [*command, *own], os.environ, self.folder, lambda: redis_server.answers(url))

    def run(self, command: list[str], name: str = "web") -> subprocess.CompletedProcess[str]:
        """A command in a container of that name, as its user."""
        return subprocess.run(
            [*as_nobody(), *command],
            cwd=self.image.cwd,
            env=self.environment(name),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def _child(self, name: str) -> ChildProcess:
        moved: list[str] = service(name)["command"]
        command = [*as_nobody(), "sh", "-c", f'cd "{self.image.cwd}" && exec {" ".join(moved)}']
        return ChildProcess(name, command, self.environment(name), self.folder, lambda: self.answers(name))

    def answers(self, name: str) -> bool:
        """Whether it does its work, asked without a process of its own each time."""
        paths = {"web": "healthz", "worker": "metrics", "control": "metrics", "flower": "healthcheck"}
        if name not in paths:
            return "beat: Starting" in self.children[name].logs()
        variable = f"{name.upper()}_PORT" if name in ("web", "flower") else f"{name.upper()}_METRICS_PORT"
        return answers_ok(f"http://127.0.0.1:{self.ports[variable]}/{paths[name]}")

    def is_healthy(self, name: str) -> bool:
        """What the container's own health check says."""
        test: list[str] = service(name)["healthcheck"]["test"]
        return self.run(test[1:], name).returncode == 0

    def close(self) -> None:
        for child in (*self.children.values(), *self.servers):
            child.kill()


def built(folder: Path, python: str) -> Image:
    """The image, built from the Dockerfile's own steps."""
    image = Image(folder / "image", python)
    image.folder.mkdir()
    image.build(ROOT, ROOT / "ops/deploy/Dockerfile")
    return image
