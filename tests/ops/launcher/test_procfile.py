"""The Procfile's format, and the project's own Procfile."""

import os
import subprocess

import pytest

from ops.launcher.procfile import WrongProcfile, parse
from ops.launcher.supervision import ROOT


def test_commands_keep_their_order_and_their_colons() -> None:
    assert list(parse("web: a:b\n\n# a comment\nworker:  c  \n").items()) == [("web", "a:b"), ("worker", "c")]


@pytest.mark.parametrize("text", ["web", "web:", ": x", "two words: x", "web: a\nweb: b"])
def test_anything_else_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(WrongProcfile, match=r"line \d"):
        parse(text)


def test_every_process_replaces_its_shell_and_knows_its_role() -> None:
    commands = parse((ROOT / "Procfile").read_text(encoding="utf-8"))

    assert list(commands) == ["web", "worker", "control", "beat", "flower"]
    assert all(f"exec env PROCESS_ROLE={name} " in command for name, command in commands.items())


def test_flower_does_not_start_without_a_password() -> None:
    command = parse((ROOT / "Procfile").read_text(encoding="utf-8"))["flower"]
    environ = {name: value for name, value in os.environ.items() if name != "FLOWER_BASIC_AUTH"}

    done = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "FLOWER_BASIC_AUTH" in done.stderr
