"""Runs the steps of a Dockerfile without containers: below a directory of its own instead of a file system of its own.

Knows the few instructions that ours uses, and refuses others. The paths that an image would own are moved below the
directory; users are not made. So what it cannot show: the base image, the names of users, what else Docker would do.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from dockerfile_parse import DockerfileParser

OWN_PATHS = ("/opt/venv", "/app", "/var/lib/easy-islanders", "/tmp/requirements.lock")  # noqa: S108  # the image's
MADE_BY_DOCKER = ("useradd",)  # steps that begin so prepare users, and the directories they own


@dataclass(frozen=True)
class Instruction:
    name: str
    value: str


def instructions(dockerfile: Path) -> list[Instruction]:
    """All instructions in their order, continued lines joined."""
    parser = DockerfileParser(str(dockerfile))
    return [Instruction(s["instruction"], s["value"]) for s in parser.structure if s["instruction"] != "COMMENT"]


def copied_into_build(root: Path) -> list[Path]:
    """The tracked or new files below `root` that .dockerignore lets into the build, relative to it."""
    patterns = [line for line in (root / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    paths = [Path(os.fsdecode(name)) for name in listed.stdout.split(b"\0") if name]
    return [path for path in paths if (root / path).is_file() and not _is_ignored(path, patterns)]


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    """The last pattern that matches the path or a directory above it decides."""
    ignored = False
    names = [str(path), *(str(parent) for parent in path.parents if str(parent) != ".")]
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        if any(_matches(name, plain) for name in names):
            ignored = not pattern.startswith("!")
    return ignored


def _matches(name: str, pattern: str) -> bool:
    if "**" in pattern:
        return fnmatch(name, pattern.replace("**/", "*")) or fnmatch(name, pattern.replace("**/", ""))
    return name.count("/") == pattern.count("/") and fnmatch(name, pattern)


@dataclass
class Image:
    """What the steps leave: files below `folder`, an environment, a command."""

    folder: Path
    python: str = sys.executable  # in place of the base image's
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def build(self, root: Path, dockerfile: Path) -> None:
        for step in instructions(dockerfile):
            getattr(self, f"_{step.name.lower()}")(step.value, root)

    def here(self, text: str) -> str:
        """The text with the image's own paths moved below the folder."""
        for path in OWN_PATHS:
            text = text.replace(path, f"{self.folder}{path}")
        return text

    @property
    def cwd(self) -> Path:
        return Path(self.here(self.workdir))

    def _from(self, _value: str, _root: Path) -> None:
        base = self.folder / "base"
        base.mkdir(exist_ok=True)
        if not (base / "python").exists():
            (base / "python").symlink_to(self.python)
        self.environment = {"PATH": f"{base}{os.pathsep}{os.defpath}"}
        for path in OWN_PATHS:
            Path(self.here(path)).parent.mkdir(parents=True, exist_ok=True)

    def _run(self, value: str, _root: Path) -> None:
        if value.startswith(MADE_BY_DOCKER):
            Path(self.here("/var/lib/easy-islanders")).mkdir(parents=True)
            return
        passed_on = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HOME"))}
        subprocess.run(
            ["sh", "-ec", self.here(value)],
            cwd=self.cwd if self.workdir != "/" else self.folder,
            env=passed_on | self.environment,
            check=True,
            capture_output=True,
        )

    def _env(self, value: str, _root: Path) -> None:
        for pair in shlex.split(value):
            name, _, told = pair.partition("=")
            self.environment[name] = self.here(told).replace("$PATH", self.environment["PATH"])

    def _workdir(self, value: str, _root: Path) -> None:
        self.workdir = value
        self.cwd.mkdir(parents=True, exist_ok=True)

    def _copy(self, value: str, root: Path) -> None:
        if value.startswith("--from"):
            return  # both stages share one directory
        *sources, target = value.split()
        for path in copied_into_build(root):
            for source in sources:
                if path.is_relative_to(source):
                    self._place(root / path, path.relative_to(source), Path(self.here(target)), source)

    def _place(self, file: Path, inside: Path, target: Path, source: str) -> None:
        base = target if target.is_absolute() else self.cwd / target
        is_a_file = inside == Path(".")
        to = base / source if is_a_file and base.is_dir() else base if is_a_file else base / inside
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)

    def _cmd(self, value: str, _root: Path) -> None:
        self.command = json.loads(value)

    def _healthcheck(self, value: str, _root: Path) -> None:
        self.health = json.loads(value.split("CMD ", 1)[1])

    def _user(self, _value: str, _root: Path) -> None:
        """The processes are started as another user by the test."""

    _expose = _stopsignal = _user
