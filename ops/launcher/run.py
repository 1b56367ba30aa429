"""One run from start to stop: keeps processes, log lines and signals moving while it waits. Knows no product.

Everything happens in one thread. Whoever waits, waits in `Run.until`, which notices what ends a run: a signal, a
process that was given up, a supervisord that died.
"""

import signal
import time
from collections.abc import Callable, Iterable, Mapping
from types import FrameType, TracebackType
from typing import Self

from ops.launcher import log_tail, supervision
from ops.launcher.console import Console
from ops.launcher.restarts import Restart, Restarts
from ops.launcher.supervision import Supervision, SupervisorUnreachable
from ops.launcher.supervisor_config import Program, printed

TURN_SECONDS = 0.1
ASK_SECONDS = 0.5
ANSWER_SECONDS = 30.0
SHOWN_LINES = 30
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ECHO_SECONDS = 1.0  # a signal sent to the whole group arrives twice: directly, and passed on by make


class RunFailed(Exception):
    """The run cannot go on; the message is for the person at the terminal."""


class StopRequested(Exception):
    """Somebody asked the run to end."""


class StopSignals:
    """Counts the requests to stop, from when it is made."""

    def __init__(self) -> None:
        self.count = 0
        self._last = -ECHO_SECONDS
        for number in STOP_SIGNALS:
            signal.signal(number, self._received)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last > ECHO_SECONDS:
            self.count += 1
            self._last = now


class Run:
    """A supervisord, what it writes and what ends it; leaving the `with` block stops everything."""

    def __init__(self, supervised: Supervision, console: Console, stops: StopSignals) -> None:
        self.supervised = supervised
        self._console = console
        self._stops = stops
        self._asked_at = 0.0
        self._restarts = Restarts()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            self._stop()
        finally:
            self.supervised.close()
            self._console.close()

    def until_none(self, missing: Callable[[], list[str]], *, seconds: float | None = None) -> None:
        """Keep everything moving until nothing is `missing`.

        Raises StopRequested, and RunFailed when a process was given up or `seconds` have passed.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while what := missing():
            self._turn()
            if deadline is not None and time.monotonic() > deadline:
                raise RunFailed(f"Waited {seconds:.0f} s in vain for {', '.join(what)}. Logs: {self._console.log_dir}")

    def start(self, programs: Iterable[Program]) -> None:
        """Start processes as soon as supervisord listens."""
        self.until_none(self._silent, seconds=ANSWER_SECONDS)
        self.supervised.start_programs(program.name for program in programs)

    def _turn(self) -> None:
        self._console.show_new_lines()
        if self._stops.count or self._console.is_gone:
            raise StopRequested
        if not self.supervised.is_alive():
            raise RunFailed("supervisord ended by itself; everything it ran is stopped.")
        self._look_after_processes()
        time.sleep(TURN_SECONDS)

    def _silent(self) -> list[str]:
        try:
            self.supervised.seen()
        except SupervisorUnreachable:
            return ["supervisord"]
        return []

    def _look_after_processes(self) -> None:
        """Start again what ended and has waited for it; a process that was given up ends the run."""
        if time.monotonic() - self._asked_at < ASK_SECONDS:
            return
        self._asked_at = time.monotonic()
        try:
            seen = self.supervised.seen()
            now = time.monotonic()
            for restart in self._restarts.note(seen.ended, now):
                self._announce(restart)
            self.supervised.start_programs(self._restarts.due(seen.ended, now))
        except SupervisorUnreachable:
            return  # starting, or too busy to answer; its death is noticed elsewhere
        for name in seen.given_up:
            raise RunFailed(self._obituary(name))

    def _announce(self, restart: Restart) -> None:
        if restart.wait:
            ended = f"{restart.ended.name} ended after {restart.ended.lived:.0f} s once more"
            self._console.say(f"{ended}; it starts again in {restart.wait:.0f} s.")

    def _obituary(self, name: str) -> str:
        self._console.show_new_lines()
        lines = "\n".join(
            f"    {line}" for line in log_tail.last_lines(self._console.log_dir / printed(name), SHOWN_LINES)
        )
        return f"{name} died again and again right after its start. Its last lines:\n\n{lines}\n"

    def _stop(self) -> None:
        """Let supervisord stop everything in order; one more request kills."""
        already = self._stops.count
        self._console.say("Stopping: tasks in hand finish (Ctrl-C again to kill).")
        self.supervised.request_stop()
        while self.supervised.is_alive():
            self._console.show_new_lines()
            if self._stops.count > already:
                self._console.say("Killing everything.")
                return self.supervised.kill()
            time.sleep(TURN_SECONDS)
        return self._console.show_new_lines()


def launch(
    programs: Iterable[Program],
    environ: Mapping[str, str],
    console: Console,
    stops: StopSignals,
    *,
    start_seconds: int = 10,
    lock: int | None = None,
) -> Run:
    """Start supervisord, with no process yet. Use it in a `with` block."""
    supervised = supervision.start(programs, environ, console.log_dir, start_seconds=start_seconds, lock=lock)
    return Run(supervised, console, stops)
