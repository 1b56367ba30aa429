"""One supervisord with its processes: started, asked, stopped, never left behind. Knows supervisord, not the system.

supervisord gets a session of its own, so that Ctrl-C reaches the launcher alone, which then stops everything in
order; a guardian process does the same should the launcher be killed.
"""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from ops.launcher import guardian, processes, supervisor_config
from ops.launcher.restarts import Ended
from ops.launcher.supervisor_config import Program

LONGEST_SOCKET_PATH = 90  # 104 bytes on the strictest system, less what supervisord appends while it binds
CALL_SECONDS = 5.0
ROOT = Path(__file__).resolve().parents[2]


class SupervisorUnreachable(Exception):
    """supervisord does not answer (yet)."""


@dataclass(frozen=True)
class Seen:
    """Processes that supervisord has given up, and those that ended after they had run for a while."""

    given_up: list[str]
    ended: list[Ended]


@dataclass(frozen=True)
class Supervision:
    """A running supervisord. Make one with `start`."""

    process: "subprocess.Popen[bytes]"
    guardian: "subprocess.Popen[bytes]"
    socket_path: Path

    def seen(self) -> Seen:
        """What became of the processes by now. Raises SupervisorUnreachable."""
        infos = self._call("getAllProcessInfo")
        ended = [info for info in infos if info["statename"] == "EXITED"]
        return Seen(
            given_up=[info["name"] for info in infos if info["statename"] == "FATAL"],
            ended=[Ended(info["name"], info["start"], info["stop"]) for info in ended],
        )

    def start_programs(self, names: Iterable[str]) -> None:
        """Start processes without waiting for them."""
        for name in names:
            self._call("startProcess", name, False)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def request_stop(self) -> None:
        """Begin to stop every process, the last started first, each as long as it may take."""
        if self.is_alive():
            self.process.terminate()

    def kill(self) -> None:
        """End everything at once."""
        processes.kill(self.process.pid)

    def close(self) -> None:
        """Make sure that nothing is left, and let the guardian go."""
        self.kill()
        self.process.wait()
        self.guardian.communicate(guardian.DONE)

    def _call(self, method: str, *arguments: object) -> Any:  # XML-RPC answers have no static type
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.socket_path}")
        try:
            with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
                return getattr(server.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise SupervisorUnreachable(f"{method}: {error}") from error


def start(
    programs: Iterable[Program],
    environ: Mapping[str, str],
    log_dir: Path,
    *,
    start_seconds: int = 10,
    lock: int | None = None,
) -> Supervision:
    """Start supervisord with nothing running yet. `lock` is a descriptor that the guardian holds on to."""
    socket.setdefaulttimeout(CALL_SECONDS)  # a hung supervisord must not make the launcher deaf to Ctrl-C
    runtime_dir = short_directory()
    (runtime_dir / "root").symlink_to(ROOT)
    (runtime_dir / "logs").symlink_to(log_dir)
    config = runtime_dir / "supervisord.conf"
    text = supervisor_config.render(programs, uid=os.getuid(), start_seconds=start_seconds)
    config.write_text(text, encoding="utf-8")
    supervisord = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(config)],
        env=dict(environ),
        cwd=runtime_dir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Supervision(supervisord, start_guardian(supervisord.pid, runtime_dir, lock), runtime_dir / "s")


def start_guardian(session: int, runtime_dir: Path, lock: int | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", guardian.__name__, str(session), str(runtime_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=[] if lock is None else [lock],
    )


def short_directory() -> Path:
    """A private directory whose path leaves room for a socket's, whatever LOCAL_DIR and TMPDIR are."""
    made = Path(tempfile.mkdtemp(prefix="ei-"))
    if len(os.fsencode(made)) <= LONGEST_SOCKET_PATH:
        return made
    shutil.rmtree(made)
    return Path(tempfile.mkdtemp(prefix="ei-", dir="/tmp"))  # mkdtemp makes it private
