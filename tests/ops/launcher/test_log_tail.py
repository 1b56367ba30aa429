"""Lines reach the terminal once each and in order, whatever rotation does to their file."""

from pathlib import Path

import pytest

from ops.launcher.log_tail import LogTail, last_lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


def append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text)


def rotate(log: Path, backups: int = 3) -> None:
    """As supervisord does it: rename, oldest first, and begin anew."""
    for number in range(backups - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))


def test_what_an_earlier_run_wrote_is_not_shown(log: Path) -> None:
    append(log, "old\n")
    tail = LogTail(log)

    append(log, "new\n")

    assert tail.lines() == ["new"]


def test_a_file_that_appears_later_is_shown_from_its_beginning(log: Path) -> None:
    tail = LogTail(log)
    assert tail.lines() == []

    append(log, "first\n")

    assert tail.lines() == ["first"]


def test_a_line_is_shown_when_it_is_complete(log: Path) -> None:
    tail = LogTail(log)
    append(log, "one\ntw")
    assert tail.lines() == ["one"]

    append(log, "o\n")

    assert tail.lines() == ["two"]


@pytest.mark.parametrize("rotations", [1, 2, 3])
def test_nothing_is_lost_or_doubled_when_the_file_is_rotated(log: Path, rotations: int) -> None:
    append(log, "0 before\n")
    tail = LogTail(log)
    for number in range(rotations):
        append(log, f"{number} last of its file\n")
        rotate(log)
        append(log, f"{number} first of the next\n")

    shown = tail.lines()

    assert shown == [
        f"{number} {which}" for number in range(rotations) for which in ("last of its file", "first of the next")
    ]
    assert tail.lines() == []


def test_bytes_that_are_no_text_do_not_stop_the_tail(log: Path) -> None:
    tail = LogTail(log)

    log.write_bytes(b"caf\xe9\n")

    assert tail.lines() == ["caf�"]


def test_the_last_lines_of_an_absent_log_are_none(log: Path) -> None:
    assert last_lines(log, 30) == []
