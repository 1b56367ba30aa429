"""The launcher's supervision with the real supervisord, and small shell programs instead of the product."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.launcher import processes
from ops.launcher.supervision import ROOT
from ops.waiting import PATIENCE_SECONDS, wait_until


class Toys:
    """A launcher running toy processes, and what it printed."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / 'lo gs 100% "quoted"; #1'
        self.logs.mkdir()
        self.output = folder / "output"
        self.procfile = folder / "Procfile"
        self.launcher: subprocess.Popen[bytes] | None = None

    def start(self, *lines: str, start_seconds: int = 1) -> subprocess.Popen[bytes]:
        self.procfile.write_text("\n".join(lines), encoding="utf-8")
        arguments = [str(self.procfile), str(self.logs), str(start_seconds)]
        with self.output.open("wb") as output:
            self.launcher = subprocess.Popen(
                [sys.executable, "-m", "tests.ops.launcher.toy", *arguments],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.launcher

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_for(self, text: str, count: int = 1) -> None:
        wait_until(lambda: self.printed().count(text) >= count, f"{count} x {text!r} to be printed")

    def number_after(self, word: str) -> int:
        """The number behind the last `word=` printed."""
        self.wait_for(f"{word}=")
        return int(self.printed().rpartition(f"{word}=")[2].split()[0])

    def numbers_after(self, word: str) -> list[float]:
        """The numbers behind each `word=` printed."""
        return [float(number) for number in re.findall(rf"{word}=(\S+)", self.printed())]

    def end(self) -> None:
        if self.launcher and self.launcher.poll() is None:
            self.launcher.kill()
            self.launcher.wait()


@pytest.fixture
def toys(tmp_path: Path) -> Iterator[Toys]:
    made = Toys(tmp_path)
    yield made
    made.end()


def is_gone(pid: int) -> bool:
    return pid not in set(processes.alive())


STEADY = "steady: echo pid=$$ supervisord=$PPID session=$(ps -o sid= $$); exec sleep 600"


def test_output_is_shown_line_by_line_behind_the_name(toys: Toys) -> None:
    toys.start("one: echo first; exec sleep 600", "second: echo \"a; b # c 100% 'd'\"; exec sleep 600")

    toys.wait_for("one        | first\n")
    toys.wait_for("second     | a; b # c 100% 'd'\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_requested_stop_leaves_nothing_and_succeeds(toys: Toys, number: signal.Signals) -> None:
    launcher = toys.start(STEADY)
    pid, supervisord = toys.number_after("pid"), toys.number_after("supervisord")

    launcher.send_signal(number)

    assert launcher.wait(PATIENCE_SECONDS) == 0
    assert is_gone(pid)
    assert is_gone(supervisord)


def test_a_task_in_hand_finishes_before_the_stop(toys: Toys) -> None:
    launcher = toys.start("slow: trap 'sleep 2; echo finished; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
    toys.wait_for("ready")

    launcher.send_signal(signal.SIGTERM)

    assert launcher.wait(PATIENCE_SECONDS) == 0
    assert "finished" in toys.printed()


def test_a_signal_that_arrives_twice_at_once_is_one_request(toys: Toys) -> None:
    launcher = toys.start("slow: trap 'sleep 2; echo finished; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
    toys.wait_for("ready")

    launcher.send_signal(signal.SIGINT)
    launcher.send_signal(signal.SIGTERM)

    assert launcher.wait(PATIENCE_SECONDS) == 0
    assert "finished" in toys.printed()


def test_a_second_request_kills_what_does_not_want_to_stop(toys: Toys) -> None:
    launcher = toys.start("stubborn: trap '' TERM; echo pid=$$; while :; do sleep 0.1; done")
    pid = toys.number_after("pid")
    launcher.send_signal(signal.SIGINT)
    toys.wait_for("Stopping")

    def asked_again() -> bool:
        launcher.send_signal(signal.SIGINT)
        return "Killing" in toys.printed()

    wait_until(asked_again, "the second request to be taken")

    assert launcher.wait(PATIENCE_SECONDS) == 0
    assert is_gone(pid)


def test_processes_stop_in_the_reverse_order_of_their_start(toys: Toys) -> None:
    launcher = toys.start(*(f"{name}: echo ready; exec sleep 600" for name in ("database", "worker", "web")))
    toys.wait_for("ready", 3)

    launcher.send_signal(signal.SIGINT)
    launcher.wait(PATIENCE_SECONDS)

    log = (toys.logs / "supervisor.log").read_text(encoding="utf-8")
    assert re.findall(r"stopped: (\w+)", log) == ["web", "worker", "database"]


def test_a_killed_process_is_started_again(toys: Toys) -> None:
    toys.start(STEADY)
    pid = toys.number_after("pid")
    # Not before supervisord counts it as started: a death in its first second would be a failed start.
    wait_until(lambda: "entered RUNNING" in (toys.logs / "supervisor.log").read_text(), "the start to count")

    os.kill(pid, signal.SIGKILL)

    toys.wait_for("pid=", 2)
    assert toys.number_after("pid") != pid
    toys.wait_for("supervisor | exited: steady (terminated by SIGKILL")


def test_a_process_that_dies_again_and_again_after_a_while_waits_longer_each_time(toys: Toys) -> None:
    toys.start("flaky: echo born=$(date +%s.%N); sleep 1.2; echo died=$(date +%s.%N)")

    toys.wait_for("born=", 4)

    births, deaths = (toys.numbers_after(word) for word in ("born", "died"))
    waited = [born - died for died, born in zip(deaths, births[1:], strict=False)]
    assert waited[1] > 1.0
    assert waited[2] > 2.0
    toys.wait_for("s once more; it starts again in 2 s.")


def test_five_deaths_right_after_the_start_end_the_run_with_the_last_lines(toys: Toys) -> None:
    launcher = toys.start(STEADY, "broken: echo because of this; exit 3", start_seconds=60)
    steady = toys.number_after("pid")

    assert launcher.wait(PATIENCE_SECONDS) == 1

    log = (toys.logs / "broken.out").read_text(encoding="utf-8")
    assert log.count("because of this") == 5
    assert "broken died again and again" in toys.printed()
    assert "    because of this\n" in toys.printed()
    assert is_gone(steady)


def test_a_killed_launcher_leaves_nothing_behind(toys: Toys) -> None:
    launcher = toys.start(
        "slow: trap 'echo finished; exit 0' TERM; echo pid=$$ supervisord=$PPID; while :; do sleep 0.1; done"
    )
    pid, supervisord = toys.number_after("pid"), toys.number_after("supervisord")

    launcher.kill()

    wait_until(lambda: is_gone(pid) and is_gone(supervisord), "everything to be gone")
    assert "finished" in (toys.logs / "slow.out").read_text(encoding="utf-8")


def test_a_killed_supervisord_ends_the_run_and_leaves_nothing_behind(toys: Toys) -> None:
    launcher = toys.start("parent: sleep 601 & echo pid=$$ supervisord=$PPID child=$!; wait")
    pid, supervisord, child = (toys.number_after(word) for word in ("pid", "supervisord", "child"))

    os.kill(supervisord, signal.SIGKILL)

    assert launcher.wait(PATIENCE_SECONDS) == 1
    assert is_gone(pid)
    assert is_gone(child)


def test_launcher_and_supervisord_killed_together_leave_nothing_behind(toys: Toys) -> None:
    launcher = toys.start(STEADY)
    pid, supervisord = toys.number_after("pid"), toys.number_after("supervisord")

    launcher.kill()
    os.kill(supervisord, signal.SIGKILL)

    wait_until(lambda: is_gone(pid), "the orphan to be gone")
