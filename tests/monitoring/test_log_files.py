"""Where lines go: to the console in the format asked for, and to a file that real processes share and rotate."""

import fcntl
import json
import os
import select
import subprocess
import sys
import termios
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PROCESSES, LINES, FRAMES = 4, 1_000, 700
NEARLY_FULL = 16_000  # a pipe holds 16 pages or more; lines leave some of each unused
SECRET = "canary.kuslar@example.com"
PRELUDE = "import django, structlog, sys, threading; django.setup(); log = structlog.get_logger('easy_islanders')\n"
# Every tenth line has an exception that came a long way, as the longest lines have.
SPEAK = f"""
def fall(depth):
    if depth:
        fall(depth - 1)
    raise ValueError("{SECRET}")
sys.stdin.readline()
for number in range({LINES}):
    if number % 10:
        log.info("said", speaker=int(sys.argv[1]), number=number)
    else:
        try:
            fall({FRAMES})
        except ValueError:
            log.exception("said", speaker=int(sys.argv[1]), number=number)
"""


def environment_in(folder: Path, role: str = "worker", **settings: str) -> dict[str, str]:
    """Of a process of the product as anybody starts it, without the launcher."""
    own = {"DJANGO_SETTINGS_MODULE": "easy_islanders.settings", "LOCAL_DIR": str(folder), "PROCESS_ROLE": role}
    return os.environ | own | settings


def printed(folder: Path, code: str, **settings: str) -> str:
    """All that a process with this code prints."""
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        cwd=ROOT,
        env=environment_in(folder, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    ).stdout


def parsed(text: str) -> list[dict[str, Any]]:
    """Each line as JSON; fails on one that is torn."""
    return [json.loads(line) for line in text.splitlines()]


def in_files(folder: Path, name: str = "worker.log") -> list[dict[str, Any]]:
    files = [path for path in (folder / "logs").iterdir() if path.name.startswith(name)]
    return [line for path in files for line in parsed(path.read_text(encoding="utf-8"))]


def speakers_at_once(folder: Path, **settings: str) -> str:
    """Let several processes speak at the same time; what they printed, into one pipe that is full all the while."""
    read_end, write_end = os.pipe()
    speakers = [
        subprocess.Popen(
            [sys.executable, "-c", PRELUDE + SPEAK, str(number)],
            cwd=ROOT,
            env=environment_in(folder, **settings),
            stdin=subprocess.PIPE,
            stdout=write_end,
        )
        for number in range(PROCESSES)
    ]
    os.close(write_end)
    for speaker in speakers:
        assert speaker.stdin
        speaker.stdin.write(b"\n")
        speaker.stdin.flush()
    wait_until(lambda: bytes_in(read_end) > NEARLY_FULL, "the pipe to be full")
    read = b"".join(iter(lambda: os.read(read_end, 500), b""))
    os.close(read_end)
    assert [speaker.wait(300) for speaker in speakers] == [0] * PROCESSES
    return read.decode()


def bytes_in(pipe: int) -> int:
    answer = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, answer)
    return answer[0]


def test_no_line_is_lost_torn_or_doubled_where_several_processes_rotate_one_file(tmp_path: Path) -> None:
    console = speakers_at_once(tmp_path, LOG_FILE_MAX_BYTES="10000", LOG_FILE_BACKUPS="900")

    expected = Counter({(speaker, number): 1 for speaker in range(PROCESSES) for number in range(LINES)})
    files = [path for path in (tmp_path / "logs").iterdir() if path.name.startswith("worker.log")]
    assert 50 < len(files) < 900
    assert all(path.stat().st_size < 15_000 for path in files)
    assert max(map(len, console.splitlines())) < select.PIPE_BUF  # up to there a pipe mixes nothing
    for lines in (in_files(tmp_path), parsed(console)):
        assert Counter((line["speaker"], line["number"]) for line in lines) == expected


def test_only_so_many_files_are_kept(tmp_path: Path) -> None:
    printed(
        tmp_path, "for n in range(500): log.info('said', number=n)", LOG_FILE_MAX_BYTES="9000", LOG_FILE_BACKUPS="2"
    )

    kept = [path.name for path in (tmp_path / "logs").iterdir() if not path.name.startswith(".")]
    assert sorted(kept) == ["worker.log", "worker.log.1", "worker.log.2"]


def test_the_console_is_readable_where_that_is_asked_for_and_the_file_json_all_the_same(tmp_path: Path) -> None:
    console = printed(tmp_path, "log.info('turn', ms=3)", LOG_FORMAT="readable")

    assert "[info     ] turn" in console
    assert "ms=3" in console
    (line,) = in_files(tmp_path)
    assert (line["event"], line["ms"], line["level"]) == ("turn", 3, "info")


def test_without_being_told_the_console_is_json(tmp_path: Path) -> None:
    assert parsed(printed(tmp_path, "log.info('turn', ms=3)"))[0]["event"] == "turn"


def test_another_format_is_refused(tmp_path: Path) -> None:
    assert "LOG_FORMAT must be one of json, readable" in printed(tmp_path, "", LOG_FORMAT="xml")


def test_no_file_is_written_where_none_is_wanted(tmp_path: Path) -> None:
    assert "turn" in printed(tmp_path, "log.info('turn')", LOG_FILE_MAX_BYTES="0")

    assert not (tmp_path / "logs").exists()


def test_a_file_that_cannot_be_written_leaves_the_console(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")

    console = printed(tmp_path, "log.info('turn')")

    assert "No log file" in console
    assert '"event": "turn"' in console


def test_a_command_keeps_its_output_free_of_logs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + "print('result'); log.warning('noted')"],
        cwd=ROOT,
        env=environment_in(tmp_path, "cli"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "result\n"
    assert parsed(done.stderr)[0]["event"] == "noted"
    assert in_files(tmp_path, "cli.log")[0]["event"] == "noted"


@pytest.mark.parametrize(
    "death",
    [
        "raise ValueError(secret)",
        "t = threading.Thread(target=lambda: int(secret)); t.start(); t.join()",
        "class Dying:\n    def __del__(self):\n        raise ValueError(secret)\nDying()",
        "import logging; logging.getLogger('kombu').warning('%s %s', secret)",
        "import logging; logging.getLogger('easy_islanders').warning('%s %s', secret)",
        "import asyncio\nasync def main():\n    asyncio.create_task(asyncio.to_thread(int, secret))\n"
        "    await asyncio.sleep(0.1)\nasyncio.run(main())",
    ],
    ids=["process", "thread", "destructor", "foreign line", "own line", "task"],
)
def test_what_dies_or_cannot_be_said_quotes_nothing(tmp_path: Path, death: str) -> None:
    console = printed(tmp_path, f"secret = {SECRET!r}\n{death}\n")

    written = console + "".join(path.read_text() for path in (tmp_path / "logs").glob("*.log"))
    assert SECRET not in written
    assert "canary" not in written
