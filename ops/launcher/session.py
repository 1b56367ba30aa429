"""The story of one `make run`: services, database, processes, banner, the end. Knows the order of things."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from ops.launcher import banner, bootstrap, env_file, log_tail, plan, ports, prepare, redis_server, secrets_file
from ops.launcher.console import Console
from ops.launcher.plan import Plan
from ops.launcher.run import SHOWN_LINES, Run, RunFailed, StopSignals, launch
from ops.launcher.supervision import ROOT
from ops.launcher.supervisor_config import printed
from ops.launcher.web import Web

SERVICE_SECONDS, PREPARE_SECONDS, READY_SECONDS = 60.0, 300.0, 120.0
SETUP = "setup"  # the log of what prepares the database


def run(made: Plan, local_dir: Path, stops: StopSignals, lock: int) -> None:
    """Start, show, wait. Raises RunFailed or StopRequested, by then everything is stopped."""
    environ = environment(made, local_dir)
    web = Web(made.settings["WEB_HOST"], int(made.settings["WEB_PORT"]))
    console = Console([SETUP, *(program.name for program in made.programs)], local_dir / "logs")
    with launch(made.programs, environ, console, stops, lock=lock) as running:
        running.start(made.services)
        with console.step("database, listings, accounts"):
            prepare_database(running, environ)
        with console.step("Redis and Zep"):
            running.until_none(lambda: missing_services(made), seconds=SERVICE_SECONDS)
        with console.step("processes"):
            running.start(made.processes)
            running.until_none(lambda: missing_processes(made, web), seconds=READY_SECONDS)
        secrets = with_valid_token(running, web, environ)
        console.say(banner.banner(made, secrets, web, local_dir, seconds_since_start()))
        running.until_none(lambda: ["a request to stop"])


def environment(made: Plan, local_dir: Path) -> dict[str, str]:
    """Everybody's environment, with this copy's Python first on PATH."""
    return {
        **os.environ,
        **plan.child_environment(made.settings, local_dir),
        "REDIS_SERVER": redis_server.binary(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def prepare_database(running: Run, environ: Mapping[str, str], *options: str) -> None:
    """Run `ops.launcher.prepare` to its end. Raises RunFailed with its last lines."""
    log = Path(environ["LOCAL_DIR"]) / "logs" / printed(SETUP)
    command = [sys.executable, "-m", prepare.__name__, *options]
    with log.open("ab") as output:
        child = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        running.until_none(lambda: [] if child.poll() is not None else ["the database"], seconds=PREPARE_SECONDS)
    finally:
        child.kill()
        child.wait()
    if child.returncode:
        lines = "\n".join(f"    {line}" for line in log_tail.last_lines(log, SHOWN_LINES))
        raise RunFailed(f"The database could not be prepared. Last lines:\n\n{lines}\n")


def missing_services(made: Plan) -> list[str]:
    """What the processes need and does not answer yet."""
    url = made.settings["REDIS_URL"]
    missing = [] if redis_server.answers(url) else [f"Redis at {redis_server.without_password(url)}"]
    if made.runs(plan.ZEP_STANDIN) and not ports.answers(plan.LOOPBACK, int(made.settings["ZEP_STANDIN_PORT"])):
        missing.append("the Zep stand-in")
    return missing


def missing_processes(made: Plan, web: Web) -> list[str]:
    """What does not serve yet."""
    listening = {"worker": "WORKER_METRICS_PORT", "control": "CONTROL_METRICS_PORT", "flower": "FLOWER_PORT"}
    missing = [
        name
        for name, variable in listening.items()
        if made.runs(name) and not ports.answers(plan.LOOPBACK, int(made.settings[variable]))
    ]
    return missing if web.is_ready() else [*missing, "web"]


def with_valid_token(running: Run, web: Web, environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets, with a token that the running system accepts."""
    path = secrets_file.path_in(Path(environ["LOCAL_DIR"]))
    if not web.accepts(env_file.read(path)[secrets_file.DEMO_TOKEN]):
        prepare_database(running, environ, prepare.NEW_TOKEN_ONLY)
    return env_file.read(path)


def seconds_since_start() -> float:
    """Since the person's command, installation included."""
    return time.time() - float(os.environ.get(bootstrap.STARTED_AT, time.time()))
