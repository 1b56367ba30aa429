"""The Procfile's web process, started beside the servers of a `Rig`. Imports nothing of the product."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.bench.mirror_rig import Rig, Worker
from ops.free_port import free_port
from ops.waiting import wait_until

PROCFILE_MODULE = "easy_islanders.serve"
STARTED = "Started server process"


@dataclass(frozen=True)
class Web:
    """A running web server."""

    name: str
    url: str
    worker: Worker


def start_web(
    rig: Rig,
    name: str,
    *,
    processes: int = 1,
    module: str = PROCFILE_MODULE,
    environment: Mapping[str, str] | None = None,
) -> Web:
    """Start it on a free port and wait until all its processes serve; `module` may stand in for the Procfile's."""
    port = str(free_port())
    own = {"WEB_PORT": port, "WEB_CONCURRENCY": str(processes), "LOCAL_DIR": str(rig.folder / name)}
    worker = rig.launch("web", name, {PROCFILE_MODULE: module}, own | dict(environment or {}))
    wait_until(lambda: _served_by(worker) >= processes, f"{name} to serve", seconds=60)
    return Web(name, f"http://127.0.0.1:{port}", worker)


def _served_by(worker: Worker) -> int:
    return worker.log.read_text(errors="replace").count(STARTED) if worker.is_ready() else 0
