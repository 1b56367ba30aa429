"""Runs the stand-in as a real child process, for tests, drills, benchmarks; knows nothing of its answers."""

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.free_port import free_port
from ops.zep_standin.client import StandInClient, StandInError

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 60.0


class StandIn(StandInClient):
    """A stand-in on a loopback port of its own, and a client of it. It ends with this process, however that ends.

    `start` after `stop` or `kill` brings it back with the same data at the same URL. Without `data` the data
    live in a temporary directory, which `close` removes. As a context manager: start, and close at the end.
    """

    def __init__(
        self, data: Path | None = None, *, api_key: str = "standin-key", fact_delay_ms: int = 0, port: int = 0
    ) -> None:
        super().__init__("", ANSWER_TIMEOUT_S)
        self.api_key = api_key
        self.port = port
        self._scratch = Path(tempfile.mkdtemp(prefix="zep-standin-")) if data is None else None
        self.data = data or (self._scratch or Path()) / "zep.sqlite3"
        self._fact_delay_ms = fact_delay_ms
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The child's process id. Raises StandInError where it is not running."""
        if self._process is None:
            raise StandInError("the stand-in is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> Self:
        """Start the process and return once it accepts connections. Raises StandInError."""
        self.port = self.port or free_port()
        self._process = subprocess.Popen(
            self._command(),
            cwd=ROOT,
            env=os.environ | {"ZEP_API_KEY": self.api_key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.port = self._announced_port()
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def stop(self) -> None:
        """End the process cleanly (SIGTERM) and wait for it."""
        if self._process is not None:
            self._process.terminate()
            self._reap()

    def kill(self) -> None:
        """End the process at once (SIGKILL), as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def wait(self, timeout_s: float) -> int:
        """Wait until the process has ended by itself; return its exit code. Raises StandInError if it has not."""
        if self._process is None:
            raise StandInError("the stand-in is not running")
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise StandInError(f"the stand-in still runs after {timeout_s} s") from error

    def close(self) -> None:
        self.stop()
        super().close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _command(self) -> list[str]:
        options = {"--port": self.port, "--data": self.data.resolve(), "--fact-delay-ms": self._fact_delay_ms}
        values = [str(part) for pair in options.items() for part in pair]
        return [sys.executable, "-m", "ops.zep_standin", "serve", *values, "--exit-with-parent"]

    def _announced_port(self) -> int:
        """Read the line that the server prints once its socket listens."""
        process, deadline, said = self._process, time.monotonic() + START_TIMEOUT_S, b""
        while process and process.stdout and not said.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
            more = os.read(process.stdout.fileno(), 4096) if ready else b""
            if not more:
                break
            said += more
        found = re.search(rb":(\d+)\s*$", said)
        if found is None:
            self.kill()
            raise StandInError(f"the stand-in did not start: {said.decode(errors='replace') or 'it said nothing'}")
        return int(found[1])

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
